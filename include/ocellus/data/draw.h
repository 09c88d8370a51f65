// Drawing on images: rectangles, text and montages, for pictures of predictions.
#pragma once

#include <array>
#include <string>
#include <vector>

#include <ocellus/data/image.h>

namespace ocellus::data {

/// Red, green, blue.
using Colour = std::array<uint8_t, 3>;

struct TextConfig {
  Colour colour = {255, 255, 255};
  double size = 12;  ///< height of a capital, in pixels
};

/// The pixels that `draw_text` would cover.
OCELLUS_API Rect text_box(const std::string& text, const TextConfig& config = {});
/// Writes one line whose box begins at the rectangle's top left corner; what sticks out of the image is cut off.
OCELLUS_API void draw_text(Image& image, const Rect& at, const std::string& text, const TextConfig& config = {});
/// A frame of one pixel inside the rectangle. Grey images take the colour's luma.
OCELLUS_API void draw_frame(Image& image, const Rect& rect, Colour colour);
/// Copies `source`, made RGB or grey as the image is, to the rectangle's corner; what sticks out is cut off.
OCELLUS_API void paste(Image& image, const Rect& at, const Image& source);

/// A picture and what stands under it.
struct Captioned {
  Image image;
  std::vector<std::string> lines;
};
/// All pictures in a grid, each scaled to fit `cell` pixels, captions below. RGB.
OCELLUS_API Image montage(const std::vector<Captioned>& pictures, int cell = 192);

}  // namespace ocellus::data
