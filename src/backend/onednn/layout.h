// Layouts that are oneDNN's memory descriptors.
#pragma once

#include <optional>

#include <ocellus/graph/value.h>
#include <ocellus/tensor/layout.h>

#include "backend/onednn/runtime.h"

namespace ocellus::onednn {

/// The library's data type; throws Unsupported for one that it lacks.
dnnl::memory::data_type data_type(DType dtype);

/// Row-major order of these dimensions.
Desc row_major(const Dims& dims, dnnl::memory::data_type type);
/// A plain value: a scalar has one dimension of size one.
Desc row_major(const TensorType& type);
/// A plain value with ones in front up to `rank` dimensions.
Desc row_major(const TensorType& type, size_t rank);
/// Other dimensions (as many) in the same blocks and order as `desc`.
Desc like(const Desc& desc, const Dims& dims);
/// [N,C,spatial...] with the channels last; row-major for ranks without spatial dimensions.
Desc channels_last(const Dims& dims, dnnl::memory::data_type type);
/// The order that convolutions like, in blocks of channels where they do.
Desc activation_order(const Runtime& runtime, const Dims& dims, dnnl::memory::data_type type);

/// "aBcd16b": dimensions from outermost to innermost, capitals for those that are cut into the blocks that follow.
std::string tag_of(const Desc& desc);

/// A value in the order of a memory descriptor.
class DescLayout final : public Layout {
 public:
  DescLayout(RuntimePtr runtime, const Desc& desc) : runtime_(std::move(runtime)), desc_(desc) {}

  const Desc& desc() const { return desc_; }
  size_t bytes() const override { return desc_.get_size(); }
  bool equals(const Layout& other) const override;
  std::string to_string() const override { return tag_of(desc_); }
  bool holds_masters() const override;
  void pack(const Tensor& plain, void* physical) const override;
  void unpack(const void* physical, Tensor& plain) const override;

 private:
  RuntimePtr runtime_;
  Desc desc_;
};

/// What a forward primitive leaves for its backward one, in a form that only the two of them know; `source` is the order of
/// the forward primitive's input, and `result` that of its output.
class WorkspaceLayout final : public Layout {
 public:
  WorkspaceLayout(const Desc& desc, const Desc& source, const Desc& result)
      : desc_(desc), source_(source), result_(result) {}

  const Desc& desc() const { return desc_; }
  const Desc& source() const { return source_; }
  const Desc& result() const { return result_; }
  size_t bytes() const override { return desc_.get_size(); }
  bool equals(const Layout& other) const override;
  std::string to_string() const override { return "workspace " + tag_of(source_); }
  bool holds_masters() const override { return false; }
  void pack(const Tensor& plain, void* physical) const override;    ///< throws Unsupported
  void unpack(const void* physical, Tensor& plain) const override;  ///< throws Unsupported

 private:
  Desc desc_, source_, result_;
};

/// The layout that a descriptor stands for: null if its elements lie in row-major order.
LayoutPtr layout_of(const RuntimePtr& runtime, const Desc& desc);
/// The descriptor of a value of this type and layout; throws Unsupported for a layout that is not one.
Desc desc_of(const LayoutPtr& layout, const TensorType& type);

/// Whether the elements of two descriptors lie at the same addresses, however they are written down.
bool same_order(const Desc& a, const Desc& b);

/// Copies one value into another order.
void reorder(const Runtime& runtime, const Desc& from, void* source, const Desc& to, void* target);

}  // namespace ocellus::onednn
