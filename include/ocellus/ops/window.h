// What convolution and pooling share: strides, dilations and padding rules over any number of spatial dimensions.
#pragma once

#include <vector>

#include <ocellus/graph/op.h>

namespace ocellus {

/// How a window operator pads its input.
/// `same` gives ceil(n / stride) outputs, the odd padding element at the end (TensorFlow, ONNX SAME_UPPER); `same_lower` puts
/// it at the beginning.
enum class PadRule : uint8_t { valid, same, same_lower, explicit_ };
OCELLUS_API std::span<const std::string_view> enum_names(PadRule);

/// A padding rule, and for explicit padding the elements before and after, one of each per spatial dimension.
struct Padding {
  PadRule rule = PadRule::valid;
  std::vector<int64_t> begin, end;

  Padding(PadRule rule = PadRule::valid) : rule(rule) {}  // NOLINT: `.padding = same` is the point
  Padding(std::vector<int64_t> begin, std::vector<int64_t> end)
      : rule(PadRule::explicit_), begin(std::move(begin)), end(std::move(end)) {}
  /// n elements on every side.
  explicit Padding(int64_t n) : Padding({n}, {n}) {}
};
inline constexpr PadRule valid = PadRule::valid;
inline constexpr PadRule same = PadRule::same;
inline constexpr PadRule same_lower = PadRule::same_lower;

/// Attributes of a sliding window. Empty or one-element lists stand for that value in every dimension.
struct Window {
  std::vector<int64_t> stride = {1};
  std::vector<int64_t> dilation = {1};
  Padding padding = {};
};

/// Visits "stride", "dilation", "padding", "pad_begin", "pad_end".
OCELLUS_API void visit_window(AttrVisitor& v, const Window& w);

/// A window placed on known sizes: every list has one element per spatial dimension.
struct PlacedWindow {
  std::vector<int64_t> input, kernel, stride, dilation, pad_begin, pad_end, output;
  std::vector<int64_t> asked_end;  ///< padding at the end as the rule asks for it; ceil mode may make pad_end larger
};

/// Places a window on an input; throws ShapeError when sizes, strides or padding do not fit.
/// With `ceil_mode` a last window may hang over the end as long as it starts inside the input or its padding at the
/// beginning; `pad_end` is then enlarged to what the window covers.
OCELLUS_API PlacedWindow place(const Window& w, std::span<const int64_t> input, std::span<const int64_t> kernel,
                               bool ceil_mode = false);

/// Output sizes of a transposed convolution of `input`: those that the window's convolution would lead back to `input`.
/// With stride s and a kernel that covers e elements they are (n-1)*s + e - padding + output_padding for explicit padding
/// and none (PyTorch). An empty `output_padding` stands for zeros there; for the rules as Keras has them it stands for n*s
/// with `same`, and for what makes e at least s with `valid`. Throws ShapeError for sizes that do not lead back.
OCELLUS_API std::vector<int64_t> place_transposed(const Window& w, std::span<const int64_t> input,
                                                  std::span<const int64_t> kernel,
                                                  const std::vector<int64_t>& output_padding);

/// The spatial dimensions (all but the first two) of a shape.
OCELLUS_API std::vector<int64_t> spatial(const Shape& shape);

}  // namespace ocellus
