#include <ocellus/data/draw.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include <opencv2/imgproc.hpp>

namespace ocellus::data {
namespace {

constexpr int font = cv::FONT_HERSHEY_SIMPLEX;
constexpr double capital = 21;  // height of a capital of the font at scale 1

/// The image's pixels as OpenCV sees them, without a copy.
cv::Mat view(Image& image) {
  return cv::Mat(image.height, image.width, CV_8UC(image.channels), image.pixels.data());
}

cv::Scalar scalar(const Image& image, Colour c) {
  if (image.channels == 1) return cv::Scalar(0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2]);
  return cv::Scalar(c[0], c[1], c[2]);
}

}  // namespace

Rect text_box(const std::string& text, const TextConfig& config) {
  int baseline = 0;
  const cv::Size size = cv::getTextSize(text, font, config.size / capital, 1, &baseline);
  return {0, 0, size.width, size.height + baseline};
}

void draw_text(Image& image, const Rect& at, const std::string& text, const TextConfig& config) {
  const int rise = static_cast<int>(std::lround(config.size));
  cv::Mat pixels = view(image);
  cv::putText(pixels, text, {at.x, at.y + rise}, font, config.size / capital, scalar(image, config.colour), 1, cv::LINE_AA);
}

void draw_frame(Image& image, const Rect& rect, Colour colour) {
  cv::Mat pixels = view(image);
  cv::rectangle(pixels, cv::Rect(rect.x, rect.y, rect.width, rect.height), scalar(image, colour), 1);
}

void paste(Image& image, const Rect& at, const Image& source) {
  const Image fitting = image.channels == 1 ? to_grey(source) : to_rgb(source);
  const int left = std::max(at.x, 0), right = std::min(at.x + fitting.width, image.width);
  if (left >= right) return;
  const auto bytes = static_cast<size_t>(right - left) * static_cast<size_t>(image.channels);
  for (int y = std::max(at.y, 0); y < std::min(at.y + fitting.height, image.height); ++y)
    std::memcpy(image.at(left, y), fitting.at(left - at.x, y - at.y), bytes);
}

Image montage(const std::vector<Captioned>& pictures, int cell) {
  constexpr int gap = 8, line = 16;
  size_t lines = 0;
  for (const Captioned& p : pictures) lines = std::max(lines, p.lines.size());
  const int count = static_cast<int>(pictures.size());
  const int columns = std::clamp(static_cast<int>(std::ceil(std::sqrt(count))), 1, 8);
  const int rows = (count + columns - 1) / columns;
  const int width = cell + gap, height = cell + gap + line * static_cast<int>(lines);
  Image sheet(columns * width + gap, rows * height + gap, 3, 250);
  for (int i = 0; i < count; ++i) {
    const Image& picture = pictures[static_cast<size_t>(i)].image;
    const int x = gap + (i % columns) * width, y = gap + (i / columns) * height;
    const double scale = static_cast<double>(cell) / std::max(picture.width, picture.height);
    const int w = std::max(1, static_cast<int>(picture.width * scale)), h = std::max(1, static_cast<int>(picture.height * scale));
    const Image scaled = resize(picture, w, h, scale < 1 ? Interpolation::area : Interpolation::nearest);
    paste(sheet, {x + (cell - w) / 2, y + (cell - h) / 2, w, h}, scaled);
    int below = y + cell + 4;
    for (const std::string& text : pictures[static_cast<size_t>(i)].lines) {
      draw_text(sheet, {x, below, cell, line}, text, {.colour = {20, 20, 20}, .size = 9});
      below += line;
    }
  }
  return sheet;
}

}  // namespace ocellus::data
