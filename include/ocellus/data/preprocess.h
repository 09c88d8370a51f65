// Preprocess: what turns an image into a network's input. A model keeps it, so that prediction does what training did.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ocellus/base/export.h>
#include <ocellus/data/image.h>
#include <ocellus/tensor/tensor.h>

namespace ocellus::data {

/// The order in which a network expects the three colour planes. Images always come as RGB.
enum class ColourOrder : uint8_t { rgb, bgr };
OCELLUS_API std::string_view to_string(ColourOrder order);                ///< "rgb", "bgr"
OCELLUS_API ColourOrder colour_order_from_string(std::string_view name);  ///< throws UsageError

/// How an image is brought to the input size.
enum class ResizeRule : uint8_t {
  stretch,    ///< both sides independently
  crop,       ///< until it covers the size, then the middle is kept
  letterbox,  ///< until it fits into the size, then centred on `Preprocess::border`
};
OCELLUS_API std::string_view to_string(ResizeRule rule);                ///< "stretch", "crop", "letterbox"
OCELLUS_API ResizeRule resize_rule_from_string(std::string_view name);  ///< throws UsageError

/// Colour conversion, resizing and normalisation, in this order: output = (input * scale - mean) / std.
struct Preprocess {
  int channels = 0;                       ///< 1 or 3: converts images to grey or colour; 0: as they come
  ColourOrder colour = ColourOrder::rgb;  ///< of images with three channels
  int height = 0, width = 0;              ///< input size in pixels; 0: as they come
  ResizeRule resize = ResizeRule::stretch;
  Interpolation interpolation = Interpolation::bilinear;
  float border = 0;                        ///< value of letterbox borders, on the input's own range
  float scale = 1.0f / 255;                ///< for u8 input only: f32 input is taken to be scaled already
  std::vector<float> mean = {}, std = {};  ///< of the scaled values: empty, one for all, or one a channel

  friend bool operator==(const Preprocess&, const Preprocess&) = default;
};

/// Where a picture lands in the input: resized to width x height pixels, its corner at (x, y), which is negative where a crop
/// cuts off.
struct Placement {
  int width, height, x, y;
};
/// Of a picture of width x height pixels; for settings without a size it stays as it is.
OCELLUS_API Placement place(const Preprocess& preprocess, int width, int height);

/// The shape that `apply` gives for a sample of shape `in`, [C,H,W] or any other with channels first.
/// Throws ShapeError when the settings do not fit, for example three means for one channel.
OCELLUS_API Shape output_shape(const Preprocess& preprocess, const Shape& in);

/// Converts one sample, u8 or f32, to f32 values of `output_shape`, written to `out`. Throws ShapeError, TypeError.
OCELLUS_API void apply(const Preprocess& preprocess, const Tensor& sample, float* out);
OCELLUS_API Tensor apply(const Preprocess& preprocess, const Tensor& sample);  ///< the same into a new tensor
OCELLUS_API Tensor apply(const Preprocess& preprocess, const Image& image);    ///< f32 [C,H,W] from an image

}  // namespace ocellus::data
