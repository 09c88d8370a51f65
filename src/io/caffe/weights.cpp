// A .caffemodel file is a message NetParameter of protocol buffers. Of that only a few fields matter (numbers from caffe.proto):
//   NetParameter        layer 100, and in old files layers 2
//   LayerParameter      name 1, type 2, blobs 7;  V1LayerParameter  name 4, type 5, blobs 6
//   BlobProto           data 5, double_data 8, shape 7, and in old files num 1, channels 2, height 3, width 4
//   BlobShape           dim 1
// Everything else is stepped over. Lengths are checked against what is left, so that the arrays are never larger than the file.
#include "io/caffe/weights.h"

#include <cstring>

#include <fmt/format.h>

#include <ocellus/base/error.h>

#include "io/tensors.h"

namespace ocellus::io::caffe {
namespace {

enum class Wire : uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

using Bytes = std::span<const std::byte>;

/// One field: its number, and its value as a number or as bytes.
struct Field {
  uint64_t number = 0;
  Wire wire = Wire::varint;
  uint64_t value = 0;
  Bytes bytes = {};
};

/// Goes through a message's fields.
class Fields {
 public:
  Fields(Bytes message, const std::byte* file, const std::string& source)
      : left_(message), file_(file), source_(source) {}

  bool next(Field& field) {
    if (left_.empty()) return false;
    const uint64_t key = varint();
    field = {.number = key >> 3, .wire = static_cast<Wire>(key & 7), .value = 0, .bytes = {}};
    switch (field.wire) {
      case Wire::varint: field.value = varint(); break;
      case Wire::fixed64: field.bytes = take(8); break;
      case Wire::fixed32: field.bytes = take(4); break;
      case Wire::bytes: field.bytes = take(varint()); break;
      default: fail(fmt::format("has a field of the unknown kind {}", key & 7));
    }
    return true;
  }

  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<uint64_t>(take(1)[0]);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    fail("has a number of more than ten bytes");
  }
  bool empty() const { return left_.empty(); }

  Fields inside(Bytes message) const { return {message, file_, source_}; }

  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(source_, fmt::format("byte {}", left_.data() - file_), what);
  }

 private:
  Bytes take(uint64_t count) {
    if (count > left_.size())
      fail(fmt::format("says that {} bytes follow, of which {} are there", count, left_.size()));
    const Bytes taken = left_.first(count);
    left_ = left_.subspan(count);
    return taken;
  }

  Bytes left_;
  const std::byte* file_;
  const std::string& source_;
};

std::string text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

template <class T>
void append(Bytes bytes, const Fields& at, std::vector<float>& values) {
  if (bytes.size() % sizeof(T) != 0) at.fail("has an array that ends inside of a number");
  const size_t count = bytes.size() / sizeof(T), before = values.size();
  values.resize(before + count);
  for (size_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    values[before + i] = static_cast<float>(value);
  }
}

std::vector<int64_t> shape_in(Bytes message, const Fields& parent) {
  std::vector<int64_t> dims;
  Fields fields = parent.inside(message);
  for (Field f; fields.next(f);) {
    if (f.number != 1) continue;
    if (f.wire == Wire::varint) dims.push_back(static_cast<int64_t>(f.value));
    if (f.wire != Wire::bytes) continue;
    for (Fields packed = parent.inside(f.bytes); !packed.empty();)
      dims.push_back(static_cast<int64_t>(packed.varint()));
  }
  return dims;
}

Tensor blob_in(Bytes message, const Fields& parent) {
  std::vector<int64_t> dims, old_dims(4, 0);
  std::vector<float> values;
  Fields fields = parent.inside(message);
  for (Field f; fields.next(f);) {
    if (f.number >= 1 && f.number <= 4 && f.wire == Wire::varint)
      old_dims[f.number - 1] = static_cast<int64_t>(f.value);
    if (f.number == 7 && f.wire == Wire::bytes) dims = shape_in(f.bytes, fields);
    if (f.number == 5 && (f.wire == Wire::bytes || f.wire == Wire::fixed32)) append<float>(f.bytes, fields, values);
    if (f.number == 8 && (f.wire == Wire::bytes || f.wire == Wire::fixed64)) append<double>(f.bytes, fields, values);
  }
  if (dims.empty() && old_dims != std::vector<int64_t>(4, 0)) dims = old_dims;
  if (dims.empty()) dims = {static_cast<int64_t>(values.size())};
  uint64_t count = 1;
  for (const int64_t d : dims)
    if (d < 0 || __builtin_mul_overflow(count, static_cast<uint64_t>(d), &count))
      fields.fail("has an array of an impossible size");
  if (dims.size() > Shape::max_rank || count != values.size())
    fields.fail(fmt::format("has {} numbers for the shape [{}]", values.size(), fmt::join(dims, ",")));
  return Tensor::of(shape_of(dims), values);
}

void layer_in(Bytes message, const Fields& parent, bool old, std::map<std::string, Blobs>& layers) {
  const uint64_t name_field = old ? 4 : 1, type_field = old ? 5 : 2, blobs_field = old ? 6 : 7;
  std::string name;
  Blobs blobs;
  Fields fields = parent.inside(message);
  for (Field f; fields.next(f);) {
    if (f.number == name_field && f.wire == Wire::bytes) name = text_of(f.bytes);
    if (f.number == type_field) blobs.kind = f.wire == Wire::bytes ? text_of(f.bytes) : std::to_string(f.value);
    if (f.number == blobs_field && f.wire == Wire::bytes) blobs.arrays.push_back(blob_in(f.bytes, fields));
  }
  if (!blobs.arrays.empty()) layers[name] = std::move(blobs);
}

}  // namespace

std::map<std::string, Blobs> read_blobs(std::span<const std::byte> bytes, const std::string& source) {
  std::map<std::string, Blobs> layers;
  Fields fields(bytes, bytes.data(), source);
  for (Field f; fields.next(f);) {
    if (f.wire == Wire::bytes && (f.number == 100 || f.number == 2)) layer_in(f.bytes, fields, f.number == 2, layers);
  }
  return layers;
}

}  // namespace ocellus::io::caffe
