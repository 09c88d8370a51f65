// Resizing images: nearest and linear interpolation in 1, 2 or 3 dimensions.
#pragma once

#include <ocellus/graph/op.h>

namespace ocellus {

/// `linear` is linear, bilinear or trilinear, after the number of spatial dimensions.
enum class ResizeMode : uint8_t { nearest, linear };
OCELLUS_API std::span<const std::string_view> enum_names(ResizeMode);

/// Where output element i of m lies among the n elements of the input, in each dimension.
/// `half_pixel`: (i + 1/2) n/m - 1/2. `align_corners`: i (n-1)/(m-1), and 0 if m is 1. `asymmetric`: i n/m.
enum class ResizeCoordinates : uint8_t { half_pixel, align_corners, asymmetric };
OCELLUS_API std::span<const std::string_view> enum_names(ResizeCoordinates);

/// Which element is the nearest to a place between two: `round_half_down` is ONNX's round_prefer_floor, `round_half_up`
/// its round_prefer_ceil. PyTorch's "nearest" is asymmetric and floor, its "nearest-exact" half_pixel and
/// round_half_up. Places are exact fractions here, so a tie is a tie for any sizes.
enum class ResizeRounding : uint8_t { round_half_down, round_half_up, floor, ceil };
OCELLUS_API std::span<const std::string_view> enum_names(ResizeRounding);

/// [N,C,spatial...] to [N,C,size...]; places beyond the input's border take the border's elements. The defaults are
/// ONNX's.
class OCELLUS_API Resize final : public Op {
 public:
  std::vector<int64_t> size;  ///< one per spatial dimension
  ResizeMode mode = ResizeMode::nearest;
  ResizeCoordinates coordinates = ResizeCoordinates::half_pixel;
  ResizeRounding rounding = ResizeRounding::round_half_down;  ///< of nearest

  std::string_view name() const override { return "resize"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

/// Input: dy. `input` holds x's spatial sizes.
class OCELLUS_API ResizeBackward final : public Op {
 public:
  std::vector<int64_t> input;
  ResizeMode mode = ResizeMode::nearest;
  ResizeCoordinates coordinates = ResizeCoordinates::half_pixel;
  ResizeRounding rounding = ResizeRounding::round_half_down;

  std::string_view name() const override { return "resize_backward"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

namespace ops {
struct ResizeConfig {
  std::vector<int64_t> size;  ///< one element stands for that size in every dimension
  ResizeMode mode = ResizeMode::nearest;
  ResizeCoordinates coordinates = ResizeCoordinates::half_pixel;
  ResizeRounding rounding = ResizeRounding::round_half_down;
};
OCELLUS_API Value resize(const Value& x, const ResizeConfig& config);
}  // namespace ops

}  // namespace ocellus
