// Our own Winograd convolutions as kernels: transforms from simd/loops/winograd.h around products by the library's matmul.
#pragma once

#include <functional>

#include "backend/onednn/conv_shape.h"
#include "backend/onednn/primitive.h"

namespace ocellus::onednn {

/// A convolution as tiles: what forward, backward data and backward weights have in common. Backward data is the forward
/// convolution of dy with turned kernels.
struct WinogradShape {
  int64_t side = 4;  ///< results of a tile: side x side
  Dims src, dst;     ///< [N,C,H,W] of what the tiles are cut from, and of the results
  int64_t pad_top = 0, pad_left = 0;
  bool mirrored = false;

  int64_t points() const { return (side + 2) * (side + 2); }
};

/// The shape of a variant's tiles, unless the convolution does not fit: f32, 3x3, stride 1, no dilation or groups, channels that fill vectors.
std::optional<WinogradShape> winograd_shape(const ConvShape& s, Direction direction, Variant v);

/// Whether the forward kernel can apply the activation: one with slopes on both sides of zero, or a function of unary.h.
bool winograd_takes(const Activation& a);

/// Plans for the three directions of the operators conv, conv_backward_data and conv_backward_weights. Values stay in the order
/// in which they arrive, if it is channels last or in blocks of channels.
KernelAnswer winograd_forward(const KernelRequest& request, const RuntimePtr& runtime, const WinogradShape& s);
KernelAnswer winograd_backward_data(const KernelRequest& request, const RuntimePtr& runtime, const WinogradShape& s);
KernelAnswer winograd_backward_weights(const KernelRequest& request, const RuntimePtr& runtime, const WinogradShape& s);

/// A direction's kernel on zeros of its own, for a choice by timing; `src` and `dst` are the orders that it takes.
struct WinogradRehearsal {
  std::function<void()> run;
  Desc src, dst;
};
/// `src`, `dst`: the orders in which the values arrive, if they are known.
WinogradRehearsal winograd_rehearsal(const RuntimePtr& runtime, const WinogradShape& s, Direction direction,
                                     const std::optional<Desc>& src, const std::optional<Desc>& dst);

/// Weights as these kernels want them, G g G^T in matrices of all points: transformed when they are put into this layout.
class WinogradWeights final : public Layout {
 public:
  WinogradWeights(RuntimePtr runtime, const WinogradShape& s);

  size_t bytes() const override;
  bool equals(const Layout& other) const override;
  std::string to_string() const override;
  bool holds_masters() const override { return false; }
  void pack(const Tensor& plain, void* physical) const override;
  void unpack(const void* physical, Tensor& plain) const override;  ///< throws Unsupported
  /// The kernel that puts weights in the order `from` into this layout.
  std::unique_ptr<Kernel> packing(const Desc& from) const;

 private:
  RuntimePtr runtime_;
  int64_t side_, rows_, columns_;
  bool mirrored_;
};

}  // namespace ocellus::onednn
