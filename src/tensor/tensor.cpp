#include <ocellus/tensor/tensor.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>

#include <ocellus/base/error.h>
#include <ocellus/base/threads.h>

namespace ocellus {
namespace {

float from_bf16(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

uint16_t to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);  // round to nearest even
}

/// Calls f with the address of the elements as their C++ type; bf16 and f16 come as uint16_t.
template <class F>
auto visit(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32: return f(float{});
    case DType::f64: return f(double{});
    case DType::i8: return f(int8_t{});
    case DType::u8: return f(uint8_t{});
    case DType::i32: return f(int32_t{});
    case DType::i64: return f(int64_t{});
    case DType::boolean: return f(bool{});
    default: return f(uint16_t{});
  }
}

double load(DType dtype, const void* data, int64_t i) {
  if (dtype == DType::bf16) return from_bf16(static_cast<const uint16_t*>(data)[i]);
  if (dtype == DType::f16) return static_cast<double>(static_cast<const _Float16*>(data)[i]);
  return visit(dtype, [&](auto t) { return static_cast<double>(static_cast<const decltype(t)*>(data)[i]); });
}

void store(DType dtype, void* data, int64_t i, double value) {
  if (dtype == DType::bf16)
    static_cast<uint16_t*>(data)[i] = to_bf16(static_cast<float>(value));
  else if (dtype == DType::f16)
    static_cast<_Float16*>(data)[i] = static_cast<_Float16>(value);
  else
    visit(dtype, [&](auto t) { static_cast<decltype(t)*>(data)[i] = static_cast<decltype(t)>(value); });
}

}  // namespace

std::shared_ptr<void> allocate(size_t bytes) {
  // Large zeros from calloc are pages that the system makes when they are first touched.
  constexpr size_t alignment = 64;
  const size_t rounded = (std::max<size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
  void* whole = std::calloc(1, rounded + alignment);
  if (whole == nullptr) throw std::bad_alloc();
  void* data = static_cast<char*>(whole) + (alignment - reinterpret_cast<uintptr_t>(whole) % alignment) % alignment;
  return {data, [whole](void*) { std::free(whole); }};
}

Tensor::Tensor(DType dtype, Shape shape) : dtype_(dtype), shape_(shape), numel_(shape.numel()) {
  auto memory = allocate(bytes());
  data_ = memory.get();
  owner_ = std::move(memory);
}

Tensor Tensor::full(DType dtype, Shape shape, double value) {
  Tensor t(dtype, shape);
  t.fill(value);
  return t;
}

Tensor Tensor::scalar(float value) { return full(DType::f32, {}, value); }

Tensor Tensor::copy_of(DType dtype, Shape shape, const void* data, size_t count) {
  if (static_cast<int64_t>(count) != shape.numel())
    throw ShapeError("shape " + shape.to_string() + " needs " + std::to_string(shape.numel()) + " values, got " +
                     std::to_string(count));
  Tensor t(dtype, shape);
  if (count > 0) std::memcpy(t.data_, data, t.bytes());
  return t;
}

Tensor Tensor::view(DType dtype, Shape shape, void* data, std::shared_ptr<const void> owner) {
  Tensor t;
  t.dtype_ = dtype;
  t.shape_ = shape;
  t.numel_ = shape.numel();
  t.data_ = data;
  t.owner_ = std::move(owner);
  return t;
}

double Tensor::at(int64_t flat_index) const {
  if (flat_index < 0 || flat_index >= numel_)
    throw ShapeError("element " + std::to_string(flat_index) + " is outside " + shape_.to_string());
  return load(dtype_, data_, flat_index);
}

Tensor Tensor::clone() const {
  if (data_ == nullptr) return {};
  return copy_of(dtype_, shape_, data_, static_cast<size_t>(numel_));
}

Tensor Tensor::reshape(Shape shape) const {
  if (shape.numel() != numel_) throw ShapeError("can't reshape " + shape_.to_string() + " to " + shape.to_string());
  Tensor t = *this;
  t.shape_ = shape;
  return t;
}

Tensor Tensor::rows(int64_t begin, int64_t end) const {
  if (shape_.rank() == 0 || begin < 0 || end < begin || end > shape_[0])
    throw ShapeError("rows " + std::to_string(begin) + " to " + std::to_string(end) + " of " + shape_.to_string());
  Tensor t = *this;
  t.shape_ = shape_.with(0, end - begin);
  t.numel_ = t.shape_.numel();
  const size_t row = shape_[0] == 0 ? 0 : bytes() / static_cast<size_t>(shape_[0]);
  t.data_ = static_cast<std::byte*>(data_) + static_cast<size_t>(begin) * row;
  return t;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_ || data_ == nullptr) return *this;
  Tensor t(dtype, shape_);
  for (int64_t i = 0; i < numel_; ++i) store(dtype, t.data_, i, load(dtype_, data_, i));
  return t;
}

void Tensor::fill(double value) {
  for (int64_t i = 0; i < numel_; ++i) store(dtype_, data_, i, value);
}

void Tensor::copy_from(const Tensor& other) {
  check_dtype(other.dtype_);
  if (other.numel_ != numel_)
    throw ShapeError("can't copy " + other.shape_.to_string() + " into " + shape_.to_string());
  // A thread that copies its part of a batch has it at hand when it computes with it.
  constexpr int64_t grain = 65536;
  parallel_for(static_cast<int64_t>(bytes()), grain, [&](int64_t begin, int64_t end) {
    std::memcpy(static_cast<char*>(data_) + begin, static_cast<const char*>(other.data_) + begin,
                static_cast<size_t>(end - begin));
  });
}

std::string Tensor::to_string() const {
  std::string s = std::string(ocellus::to_string(dtype_)) + shape_.to_string() + " {";
  const int64_t shown = std::min<int64_t>(numel_, 8);
  for (int64_t i = 0; i < shown; ++i) {
    char text[32];
    std::snprintf(text, sizeof text, "%s%g", i > 0 ? ", " : "", at(i));
    s += text;
  }
  return s + (numel_ > shown ? ", ...}" : "}");
}

void Tensor::check_dtype(DType wanted) const {
  if (wanted != dtype_)
    throw TypeError("expected a tensor of " + std::string(ocellus::to_string(wanted)) + ", got " +
                    std::string(ocellus::to_string(dtype_)));
}

}  // namespace ocellus
