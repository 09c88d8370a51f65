#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include <ocellus/data/draw.h>
#include <ocellus/vision/detector.h>

namespace ocellus::vision {
namespace {

/// Neighbouring classes get hues far apart: steps of the golden angle.
data::Colour colour_of(int64_t box_class) {
  const double turn = std::fmod(static_cast<double>(box_class) * 0.381966, 1.0) * 6;
  data::Colour colour{};
  for (size_t i = 0; i < 3; ++i) {
    const double away = std::abs(std::fmod(turn + 6 - 2 * static_cast<double>(i), 6.0) - 3);
    colour[i] = static_cast<uint8_t>(60 + 195 * std::clamp(away - 1, 0.0, 1.0));
  }
  return colour;
}

}  // namespace

data::Image draw_detections(const data::Image& picture, std::span<const Detection> detections,
                            std::span<const std::string> names) {
  data::Image drawn = data::to_rgb(picture);
  const int thickness = std::max(1, std::min(drawn.width, drawn.height) / 200);
  const data::TextConfig text = {.colour = {0, 0, 0}, .size = std::clamp(drawn.height / 45.0, 8.0, 24.0)};
  // The best is drawn last, above the others.
  for (size_t k = detections.size(); k-- > 0;) {
    const Detection& d = detections[k];
    const data::Colour colour = colour_of(d.box_class);
    const int x1 = static_cast<int>(std::lround(d.box.x1)), y1 = static_cast<int>(std::lround(d.box.y1));
    const int x2 = static_cast<int>(std::lround(d.box.x2)), y2 = static_cast<int>(std::lround(d.box.y2));
    for (int i = 0; i < thickness; ++i)
      data::draw_frame(drawn, {x1 + i, y1 + i, std::max(1, x2 - x1 - 2 * i), std::max(1, y2 - y1 - 2 * i)}, colour);
    const auto c = static_cast<size_t>(d.box_class);
    const std::string label = fmt::format("{} {:.2f}", c < names.size() ? names[c] : std::to_string(c), d.score);
    data::Rect plate = data::text_box(label, text);
    plate.width += 4;
    plate.x = std::clamp(x1, 0, std::max(0, drawn.width - plate.width));
    plate.y = std::max(0, y1 - plate.height);
    data::Image background(plate.width, plate.height, 3);
    for (size_t i = 0; i < background.pixels.size(); ++i) background.pixels[i] = colour[i % 3];
    data::paste(drawn, plate, background);
    data::draw_text(drawn, {plate.x + 2, plate.y, plate.width, plate.height}, label, text);
  }
  return drawn;
}

}  // namespace ocellus::vision
