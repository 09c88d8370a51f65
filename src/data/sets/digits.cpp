// A digit is drawn four times as large as it will be, in one of the Hershey faces (vector fonts from the 1960s, drawn
// with a pen of any width). Every pixel of a copy of half that size then looks up where it comes from: an affine map
// (size, aspect, slant, rotation, shift) plus a smooth displacement from a coarse random grid, which bends strokes as
// a hand does (after Simard et al. 2003). Blur, contrast and noise follow, and the last halving averages the pixels.
#include <ocellus/data/sets/digits.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include <ocellus/base/error.h>
#include <ocellus/base/threads.h>

#include "data/cv.h"

namespace ocellus::data {
namespace {

constexpr int side = 28;          // of the finished digit
constexpr int drawn = 4 * side;   // of the canvas that the pen draws on
constexpr int warped = 2 * side;  // of the canvas that is warped
constexpr int glyph_height = 80;  // on the first canvas: 20 pixels in the end, as in MNIST
constexpr int grid = 4;           // of the displacement

/// The digit on the first canvas, as one face and pen draw it.
cv::Mat draw(int digit, Rng& rng) {
  constexpr std::array faces = {cv::FONT_HERSHEY_SIMPLEX,        cv::FONT_HERSHEY_PLAIN,
                                cv::FONT_HERSHEY_DUPLEX,         cv::FONT_HERSHEY_COMPLEX,
                                cv::FONT_HERSHEY_TRIPLEX,        cv::FONT_HERSHEY_COMPLEX_SMALL,
                                cv::FONT_HERSHEY_SCRIPT_SIMPLEX, cv::FONT_HERSHEY_SCRIPT_COMPLEX};
  int face = faces[rng.below(faces.size())];
  if (rng.chance(0.4f)) face |= cv::FONT_ITALIC;
  const int thickness = 5 + static_cast<int>(rng.below(8));
  const std::string text(1, static_cast<char>('0' + digit));
  const cv::Size unit = cv::getTextSize(text, face, 1.0, 1, nullptr);
  const double scale = static_cast<double>(glyph_height - thickness) / unit.height;
  const cv::Size size = cv::getTextSize(text, face, scale, 1, nullptr);
  cv::Mat canvas = cv::Mat::zeros(drawn, drawn, CV_8U);
  const cv::Point origin((drawn - size.width) / 2, (drawn + glyph_height - thickness) / 2);
  cv::putText(canvas, text, origin, face, scale, cv::Scalar(255), thickness, cv::LINE_AA);
  return canvas;
}

/// A smooth random field of warped x warped pixels whose values have about the given deviation.
cv::Mat smooth_field(float deviation, Rng& rng) {
  cv::Mat coarse(grid, grid, CV_32F), fine;
  for (int i = 0; i < grid * grid; ++i) coarse.at<float>(i / grid, i % grid) = deviation * rng.normal();
  cv::resize(coarse, fine, cv::Size(warped, warped), 0, 0, cv::INTER_CUBIC);
  return fine;
}

/// For each warped pixel, the place on the first canvas that it shows.
void warp_maps(const cv::Mat& canvas, Rng& rng, cv::Mat& map_x, cv::Mat& map_y) {
  const float angle = rng.normal() * 7.f * std::numbers::pi_v<float> / 180;
  const float slant = rng.normal() * 0.15f;
  const float tall = 1 / rng.uniform(0.82f, 1.12f), wide = tall / rng.uniform(0.8f, 1.2f);
  const float shift_x = rng.uniform(-1.3f, 1.3f) * 4, shift_y = rng.uniform(-1.3f, 1.3f) * 4;
  const float bend = rng.uniform(1.f, 4.f);
  map_x = smooth_field(bend, rng);
  map_y = smooth_field(bend, rng);
  const cv::Rect box = cv::boundingRect(canvas);
  const float centre_x = static_cast<float>(box.x) + static_cast<float>(box.width) / 2;
  const float centre_y = static_cast<float>(box.y) + static_cast<float>(box.height) / 2;
  const float c = std::cos(angle), s = std::sin(angle);
  for (int y = 0; y < warped; ++y) {
    auto* to_x = map_x.ptr<float>(y);
    auto* to_y = map_y.ptr<float>(y);
    const float v = (static_cast<float>(y) + 0.5f) * 2 - drawn / 2.f - shift_y;
    for (int x = 0; x < warped; ++x) {
      const float u = (static_cast<float>(x) + 0.5f) * 2 - drawn / 2.f - shift_x;
      const float turned_x = c * u + s * v, turned_y = c * v - s * u;
      to_x[x] += centre_x + wide * (turned_x + slant * turned_y);
      to_y[x] += centre_y + tall * turned_y;
    }
  }
}

/// Contrast, and noise whose bell is the sum of a word's four bytes: mean 510, deviation 148.
void expose(Image& image, Rng& rng) {
  const float gain = rng.uniform(0.75f, 1.15f);
  const float noise = rng.chance(0.5f) ? rng.uniform(2.f, 14.f) / 148 : 0;
  for (uint8_t& pixel : image.pixels) {
    float value = static_cast<float>(pixel) * gain;
    if (noise > 0) {
      const uint32_t word = rng.next();
      const auto sum = static_cast<int>((word & 255) + (word >> 8 & 255) + (word >> 16 & 255) + (word >> 24));
      value += static_cast<float>(sum - 510) * noise;
    }
    pixel = static_cast<uint8_t>(std::clamp(value + 0.5f, 0.f, 255.f));
  }
}

}  // namespace

Image render_digit(int digit, Rng& rng) {
  if (digit < 0 || digit > 9) throw UsageError(fmt::format("{} is no digit", digit));
  const cv::Mat canvas = draw(digit, rng);
  cv::Mat map_x, map_y, copy;
  warp_maps(canvas, rng, map_x, map_y);
  cv::remap(canvas, copy, map_x, map_y, cv::INTER_LINEAR, cv::BORDER_CONSTANT);
  const double blur = rng.uniform(0.3f, 1.1f);
  cv::GaussianBlur(copy, copy, cv::Size(5, 5), blur);
  Image image(side, side, 1);
  cv::Mat target = mat_of(image);
  cv::resize(copy, target, target.size(), 0, 0, cv::INTER_AREA);
  expose(image, rng);
  return image;
}

InMemory digits(const DigitsConfig& config) {
  const int64_t count = config.count > 0 ? config.count : config.split == Split::train ? 20000 : 4000;
  Tensor images(DType::u8, {count, 1, side, side}), labels(DType::i32, {count});
  uint8_t* pixels = images.as<uint8_t>().data();
  int32_t* label = labels.as<int32_t>().data();
  const Rng base = Rng(config.seed).fork("digits").fork(to_string(config.split));
  parallel_for(count, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      label[i] = static_cast<int32_t>(i % 10);
      Rng rng = base.fork(static_cast<uint64_t>(i));
      const Image image = render_digit(label[i], rng);
      std::memcpy(pixels + i * side * side, image.pixels.data(), image.pixels.size());
    }
  });
  return InMemory({.inputs = images,
                   .targets = labels,
                   .classes = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
                   .name = fmt::format("digits ({})", to_string(config.split))});
}

Page render_page(const PageConfig& config) {
  if (config.rows < 1 || config.columns < 1 || config.gap < 0 || config.rows > 1000 || config.columns > 1000)
    throw UsageError(fmt::format("can't draw a page of {} rows and {} columns", config.rows, config.columns));
  const int step = side + 2 * config.gap;
  Page page;
  page.image = Image(step * config.columns, step * config.rows, 1);
  Rng rng = Rng(config.seed).fork("page");
  for (int i = 0; i < config.rows * config.columns; ++i) {
    const Rect cell{i % config.columns * step + config.gap, i / config.columns * step + config.gap, side, side};
    const int digit = static_cast<int>(rng.below(10));
    const Image image = render_digit(digit, rng);
    for (int y = 0; y < side; ++y) std::copy_n(image.at(0, y), side, page.image.at(cell.x, cell.y + y));
    page.cells.push_back(cell);
    page.labels.push_back(digit);
  }
  return page;
}

}  // namespace ocellus::data
