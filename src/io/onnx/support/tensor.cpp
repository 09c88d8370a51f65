#include "io/onnx/support/tensor.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <ocellus/base/error.h>

namespace ocellus::io::onnx_io {
namespace {

using onnx::TensorProto;

/// How the file stores one element type.
struct Stored {
  int type;
  std::string_view name;
  size_t bytes;  ///< of an element in raw data
  DType exact, constant;
};
constexpr std::array<Stored, 13> stored = {{
    {TensorProto::FLOAT, "float", 4, DType::f32, DType::f32},
    {TensorProto::DOUBLE, "double", 8, DType::f64, DType::f32},
    {TensorProto::FLOAT16, "float16", 2, DType::f16, DType::f32},
    {TensorProto::BFLOAT16, "bfloat16", 2, DType::bf16, DType::f32},
    {TensorProto::INT8, "int8", 1, DType::i8, DType::i8},
    {TensorProto::UINT8, "uint8", 1, DType::u8, DType::u8},
    {TensorProto::BOOL, "bool", 1, DType::boolean, DType::boolean},
    {TensorProto::INT32, "int32", 4, DType::i32, DType::i64},
    {TensorProto::INT64, "int64", 8, DType::i64, DType::i64},
    {TensorProto::INT16, "int16", 2, DType::i64, DType::i64},
    {TensorProto::UINT16, "uint16", 2, DType::i64, DType::i64},
    {TensorProto::UINT32, "uint32", 4, DType::i64, DType::i64},
    {TensorProto::UINT64, "uint64", 8, DType::i64, DType::i64},
}};

const Stored& stored_as(int type, const std::string& what) {
  const auto it = std::ranges::find(stored, type, &Stored::type);
  if (it == stored.end()) throw Unsupported(fmt::format("{} of element type {}", what, type_name(type)));
  return *it;
}

Shape shape_of(const TensorProto& proto) {
  std::vector<int64_t> dims(proto.dims().begin(), proto.dims().end());
  for (int64_t d : dims)
    if (d < 0) throw ShapeError(fmt::format("tensor {} has a dimension of {}", proto.name(), d));
  return Shape(std::span<const int64_t>(dims));
}

/// Integers of a width that we have no type for, widened.
template <class T>
Tensor widened(const void* data, const Shape& shape) {
  Tensor wide(DType::i64, shape);
  const auto to = wide.as<int64_t>();
  for (size_t i = 0; i < to.size(); ++i) {
    T element;
    std::memcpy(&element, static_cast<const char*>(data) + i * sizeof(T), sizeof(T));
    if (!std::in_range<int64_t>(element))
      throw Unsupported(fmt::format("the number {}: integers have 63 bits here", element));
    to[i] = static_cast<int64_t>(element);
  }
  return wide;
}

Tensor from_raw(const Stored& as, const Shape& shape, const void* data, const std::shared_ptr<const void>& owner) {
  if (as.type == TensorProto::INT16) return widened<int16_t>(data, shape);
  if (as.type == TensorProto::UINT16) return widened<uint16_t>(data, shape);
  if (as.type == TensorProto::UINT32) return widened<uint32_t>(data, shape);
  if (as.type == TensorProto::UINT64) return widened<uint64_t>(data, shape);
  if (as.type == TensorProto::BOOL) {  // any byte may be there, and a bool holds only two of them
    Tensor flags(DType::boolean, shape);
    std::ranges::transform(std::span(static_cast<const uint8_t*>(data), flags.bytes()), flags.as<bool>().begin(),
                           [](uint8_t byte) { return byte != 0; });
    return flags;
  }
  const bool aligned = std::bit_cast<uintptr_t>(data) % as.bytes == 0;
  if (owner && aligned && shape.numel() > 0) return Tensor::view(as.exact, shape, const_cast<void*>(data), owner);
  Tensor copy(as.exact, shape);
  std::memcpy(copy.data(), data, copy.bytes());
  return copy;
}

template <class To, class List>
Tensor from_list(DType dtype, const Shape& shape, const List& list, const std::string& name) {
  if (list.size() != shape.numel())
    throw ShapeError(fmt::format("tensor {} of shape {} holds {} elements", name, shape.to_string(), list.size()));
  Tensor tensor(dtype, shape);
  auto* to = static_cast<To*>(tensor.data());
  for (const auto element : list) *to++ = static_cast<To>(element);
  return tensor;
}

/// Elements that are stored one by one, most types in a list of wider ones.
Tensor from_typed(const TensorProto& p, const Stored& as, const Shape& shape) {
  switch (p.data_type()) {
    case TensorProto::FLOAT: return from_list<float>(DType::f32, shape, p.float_data(), p.name());
    case TensorProto::DOUBLE: return from_list<double>(DType::f64, shape, p.double_data(), p.name());
    case TensorProto::INT64: return from_list<int64_t>(DType::i64, shape, p.int64_data(), p.name());
    case TensorProto::UINT32:
    case TensorProto::UINT64: return from_list<int64_t>(DType::i64, shape, p.uint64_data(), p.name());
    case TensorProto::FLOAT16:
    case TensorProto::BFLOAT16: return from_list<uint16_t>(as.exact, shape, p.int32_data(), p.name());
    case TensorProto::INT32: return from_list<int32_t>(DType::i32, shape, p.int32_data(), p.name());
    case TensorProto::INT8: return from_list<int8_t>(DType::i8, shape, p.int32_data(), p.name());
    case TensorProto::UINT8: return from_list<uint8_t>(DType::u8, shape, p.int32_data(), p.name());
    case TensorProto::BOOL: return from_list<bool>(DType::boolean, shape, p.int32_data(), p.name());
    default: return from_list<int64_t>(DType::i64, shape, p.int32_data(), p.name());
  }
}

uint64_t number(const std::string& text, const std::string& what) {
  uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size())
    throw ShapeError(fmt::format("{} \"{}\" is no number of bytes", what, text));
  return n;
}

Tensor from_external(const TensorProto& proto, const Stored& as, const Shape& shape, ExternalFiles& files) {
  std::map<std::string, std::string> entries;
  for (const auto& e : proto.external_data()) entries[e.key()] = e.value();
  const uint64_t wanted = static_cast<uint64_t>(shape.numel()) * as.bytes;
  const auto file = files.open(entries["location"]);
  const uint64_t size = file->bytes().size();
  const uint64_t offset =
      entries.contains("offset") ? number(entries["offset"], "offset of tensor " + proto.name()) : 0;
  const uint64_t length =
      entries.contains("length") ? number(entries["length"], "length of tensor " + proto.name()) : wanted;
  if (length != wanted || offset > size || wanted > size - offset)
    throw ShapeError(fmt::format("tensor {} of shape {} needs {} bytes at byte {} of {}, which gives it {} and has {}",
                                 proto.name(), shape.to_string(), wanted, offset, entries["location"], length, size));
  return from_raw(as, shape, file->bytes().data() + offset, file);
}

Tensor exact_tensor(const TensorProto& proto, const std::shared_ptr<const void>& owner, ExternalFiles* external) {
  const Stored& as = stored_as(proto.data_type(), "tensor " + proto.name());
  const Shape shape = shape_of(proto);
  const int64_t count = shape.numel();
  if (count > std::numeric_limits<int64_t>::max() / 16)
    throw ShapeError(fmt::format("tensor {} of shape {} is too large", proto.name(), shape.to_string()));
  if (proto.data_location() == TensorProto::EXTERNAL) {
    if (!external) throw Unsupported("tensor " + proto.name() + " in another file");
    return from_external(proto, as, shape, *external);
  }
  if (!proto.has_raw_data()) return from_typed(proto, as, shape);
  const std::string& raw = proto.raw_data();
  if (raw.size() != static_cast<uint64_t>(count) * as.bytes)
    throw ShapeError(fmt::format("tensor {} of {} {} holds {} bytes instead of {}", proto.name(), as.name,
                                 shape.to_string(), raw.size(), static_cast<uint64_t>(count) * as.bytes));
  return from_raw(as, shape, raw.data(), owner);
}

}  // namespace

std::string type_name(int type) {
  const auto it = std::ranges::find(stored, type, &Stored::type);
  if (it != stored.end()) return std::string(it->name);
  // Types that are younger than the schema this is built with have numbers only.
  static constexpr std::array<std::string_view, 10> small = {
      "float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "uint4",
      "int4",         "float4e2m1",     "float8e8m0", "uint2",          "int2"};
  constexpr int first = 17;
  if (type >= first && type < first + static_cast<int>(small.size()))
    return std::string(small[static_cast<size_t>(type - first)]);
  return type == TensorProto::STRING ? "string" : fmt::format("number {}", type);
}

DType constant_dtype(int type, const std::string& what) { return stored_as(type, what).constant; }
DType exact_dtype(int type, const std::string& what) { return stored_as(type, what).exact; }

int onnx_type_of(DType dtype) {
  for (const Stored& s : stored)
    if (s.exact == dtype) return s.type;
  return TensorProto::UNDEFINED;
}

std::shared_ptr<const MappedFile> ExternalFiles::open(const std::string& location) {
  auto& file = open_[location];
  if (file) return file;
  namespace fs = std::filesystem;
  const fs::path name(location), folder = fs::absolute(model_).parent_path();
  std::error_code error;
  const fs::path real = fs::canonical(folder / name, error), root = fs::canonical(folder, error);
  const auto [inside, rest] = std::mismatch(root.begin(), root.end(), real.begin(), real.end());
  const bool leaves = std::ranges::count(name, fs::path("..")) > 0;
  if (location.empty() || name.is_absolute() || leaves || (!error && inside != root.end()))
    throw ShapeError(
        fmt::format("external data \"{}\" lie outside the model's folder, where no file is read", location));
  file = std::make_shared<const MappedFile>(folder / name);
  return file;
}

Tensor to_tensor(const TensorProto& proto, const std::shared_ptr<const void>& owner, ExternalFiles* external) {
  const Tensor exact = exact_tensor(proto, owner, external);
  return exact.to(constant_dtype(proto.data_type(), "tensor " + proto.name()));
}

void from_tensor(const Tensor& tensor, const std::string& name, TensorProto& proto) {
  proto.set_name(name);
  proto.set_data_type(onnx_type_of(tensor.dtype()));
  for (int64_t d : tensor.shape()) proto.add_dims(d);
  proto.set_raw_data(tensor.data(), tensor.bytes());
}

Tensor read_tensor_file(const std::filesystem::path& path) {
  const MappedFile file(path);
  TensorProto proto;
  if (file.bytes().size() > size_t{std::numeric_limits<int>::max()} ||
      !proto.ParseFromArray(file.bytes().data(), static_cast<int>(file.bytes().size())))
    throw FormatError(path.string(), "is no ONNX tensor");
  try {
    return exact_tensor(proto, nullptr, nullptr);
  } catch (const ShapeError& e) {
    throw FormatError(path.string(), e.message());
  }
}

}  // namespace ocellus::io::onnx_io
