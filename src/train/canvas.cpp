#include "train/canvas.h"

#include <cmath>
#include <string_view>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <ocellus/base/error.h>
#include <ocellus/base/file.h>

namespace ocellus {
namespace {

constexpr int scale = 2;
constexpr int fraction_bits = 4;  // of OpenCV's fixed-point coordinates
constexpr int font = cv::FONT_HERSHEY_SIMPLEX;
constexpr double font_height = 21;  // of a capital letter at size 1

cv::Point fixed(cv::Point2d p) {
  const double f = scale << fraction_bits;
  return {static_cast<int>(std::lround(p.x * f)), static_cast<int>(std::lround(p.y * f))};
}

int thickness(double width) { return std::max(1, static_cast<int>(std::lround(width * scale))); }

double font_size(double height) { return height * scale / font_height; }

int stroke(double height, bool bold) {
  return std::max(1, static_cast<int>(std::lround(height * scale / (bold ? 7.0 : 11.0))));
}

double shift(Align align, double width) {
  return align == Align::left ? 0 : align == Align::centre ? width / 2 : width;
}

}  // namespace

cv::Scalar rgb(int hex) {
  return {static_cast<double>(hex & 255), static_cast<double>(hex >> 8 & 255), static_cast<double>(hex >> 16)};
}

std::string label_text(const std::string& utf8, size_t letters) {
  std::string text;
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) == 0x80) continue;  // within a character that has been replaced
    text += byte < ' ' || byte > '~' ? '?' : c;
  }
  return text.size() > letters ? text.substr(0, letters - 2) + ".." : text;
}

Canvas::Canvas(int width, int height) : image_(height * scale, width * scale, CV_8UC3, cv::Scalar(255, 255, 255)) {}

void Canvas::line(cv::Point2d from, cv::Point2d to, cv::Scalar colour, double width) {
  cv::line(image_, fixed(from), fixed(to), colour, thickness(width), cv::LINE_AA, fraction_bits);
}

void Canvas::polyline(const std::vector<cv::Point2d>& points, cv::Scalar colour, double width) {
  for (size_t i = 1; i < points.size(); ++i) line(points[i - 1], points[i], colour, width);
}

void Canvas::disc(cv::Point2d centre, double radius, cv::Scalar colour) {
  const int r = static_cast<int>(std::lround(radius * (scale << fraction_bits)));
  cv::circle(image_, fixed(centre), r, colour, cv::FILLED, cv::LINE_AA, fraction_bits);
}

void Canvas::rectangle(cv::Rect2d box, cv::Scalar colour) {
  const auto pixel = [](double v) { return static_cast<int>(std::lround(v * scale)); };
  const cv::Rect all(0, 0, image_.cols, image_.rows);
  image_(
      cv::Rect(cv::Point(pixel(box.x), pixel(box.y)), cv::Point(pixel(box.x + box.width), pixel(box.y + box.height))) &
      all)
      .setTo(colour);
}

void Canvas::outline(cv::Rect2d box, cv::Scalar colour, double width) {
  cv::rectangle(image_, fixed(box.tl()), fixed(box.br()), colour, thickness(width), cv::LINE_AA, fraction_bits);
}

double Canvas::text_width(const std::string& text, double height) {
  return cv::getTextSize(text, font, font_size(height), stroke(height, false), nullptr).width /
         static_cast<double>(scale);
}

void Canvas::text(cv::Point2d at, const std::string& text, Align align, double height, cv::Scalar colour, bool bold) {
  const double left = at.x - shift(align, text_width(text, height));
  const cv::Point origin(static_cast<int>(std::lround(left * scale)),
                         static_cast<int>(std::lround((at.y + height / 2) * scale)));
  cv::putText(image_, text, origin, font, font_size(height), colour, stroke(height, bold), cv::LINE_AA);
}

void Canvas::upward_text(cv::Point2d at, const std::string& text, Align align, double height, cv::Scalar colour) {
  Canvas strip(static_cast<int>(text_width(text, height)) + 8, static_cast<int>(height * 2) + 4);
  strip.text({4, height + 2}, text, Align::left, height, colour);
  cv::Mat turned;
  cv::rotate(strip.image_, turned, cv::ROTATE_90_COUNTERCLOCKWISE);
  const double length = static_cast<double>(strip.image_.cols) / scale;
  const double bottom = at.y + shift(align, length - 8) + 4;
  const cv::Point corner(static_cast<int>(std::lround((at.x - height - 2) * scale)),
                         static_cast<int>(std::lround((bottom - length) * scale)));
  const cv::Rect place = cv::Rect(corner, turned.size()) & cv::Rect(0, 0, image_.cols, image_.rows);
  if (place.empty()) return;
  cv::Mat target = image_(place);
  cv::min(target, turned(cv::Rect(place.tl() - corner, place.size())),
          target);  // the strip's white leaves what is there
}

void Canvas::save_png(const std::filesystem::path& path) const {
  cv::Mat small;
  cv::resize(image_, small, cv::Size(image_.cols / scale, image_.rows / scale), 0, 0, cv::INTER_AREA);
  std::vector<unsigned char> png;
  if (!cv::imencode(".png", small, png)) throw IoError(path.string(), "can't be encoded as PNG");
  write_atomically(path, std::string_view(reinterpret_cast<const char*>(png.data()), png.size()));
}

}  // namespace ocellus
