// Tensor: a dense, row-major array in host memory.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ocellus/base/export.h>
#include <ocellus/tensor/dtype.h>
#include <ocellus/tensor/shape.h>

namespace ocellus {

/// A dense row-major array. Copies share the buffer, as handles; `clone` copies the elements.
class OCELLUS_API Tensor {
 public:
  Tensor() = default;                 ///< empty handle: `!tensor`
  Tensor(DType dtype, Shape shape);   ///< zero-filled, 64-byte aligned

  static Tensor full(DType dtype, Shape shape, double value);
  static Tensor scalar(float value);
  /// Copies `values` (as many as the shape has elements, else ShapeError).
  template <class T>
  static Tensor of(Shape shape, const std::vector<T>& values) {
    return copy_of(dtype_of<T>, shape, values.data(), values.size());
  }
  static Tensor copy_of(DType dtype, Shape shape, const void* data, size_t count);
  /// A tensor over foreign memory; `owner` is kept alive with it (may be null).
  static Tensor view(DType dtype, Shape shape, void* data, std::shared_ptr<const void> owner = nullptr);

  explicit operator bool() const { return data_ != nullptr; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t numel() const { return numel_; }
  size_t bytes() const { return static_cast<size_t>(numel_) * size_of(dtype_); }
  void* data() { return data_; }
  const void* data() const { return data_; }

  /// The elements as T; throws TypeError when T is not the dtype.
  template <class T>
  std::span<T> as() {
    check_dtype(dtype_of<T>);
    return {static_cast<T*>(data_), static_cast<size_t>(numel_)};
  }
  template <class T>
  std::span<const T> as() const {
    check_dtype(dtype_of<T>);
    return {static_cast<const T*>(data_), static_cast<size_t>(numel_)};
  }
  double at(int64_t flat_index) const;  ///< any dtype, as double: for tests and printing

  Tensor clone() const;
  Tensor reshape(Shape shape) const;              ///< same buffer, other shape of as many elements
  Tensor rows(int64_t begin, int64_t end) const;  ///< a view of dimension 0 in [begin, end)
  Tensor to(DType dtype) const;                   ///< converted copy (itself when the dtype is the same)
  void fill(double value);
  void copy_from(const Tensor& other);            ///< same dtype and number of elements, else ShapeError / TypeError
  std::string to_string() const;                  ///< "f32[2,3]" and the first elements

 private:
  void check_dtype(DType wanted) const;

  std::shared_ptr<const void> owner_;
  void* data_ = nullptr;
  DType dtype_ = DType::f32;
  Shape shape_;
  int64_t numel_ = 0;
};

/// 64-byte aligned, zero-filled memory.
OCELLUS_API std::shared_ptr<void> allocate(size_t bytes);

}  // namespace ocellus
