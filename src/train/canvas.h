// A picture to draw on: drawn at twice its size and averaged down, so that lines and letters are smooth.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <opencv2/core.hpp>

namespace ocellus {

enum class Align { left, centre, right };

class Canvas {
 public:
  Canvas(int width, int height);

  /// Coordinates and sizes are pixels of the finished picture; text stands with its middle at y.
  void line(cv::Point2d from, cv::Point2d to, cv::Scalar colour, double width = 1);
  void polyline(const std::vector<cv::Point2d>& points, cv::Scalar colour, double width);
  void disc(cv::Point2d centre, double radius, cv::Scalar colour);
  void rectangle(cv::Rect2d box, cv::Scalar colour);  ///< filled
  void outline(cv::Rect2d box, cv::Scalar colour, double width = 1);
  void text(cv::Point2d at, const std::string& text, Align align, double height, cv::Scalar colour, bool bold = false);
  /// Text that runs upwards, its middle at x; `align` says which of its ends, seen along it, stands at y.
  void upward_text(cv::Point2d at, const std::string& text, Align align, double height, cv::Scalar colour);
  static double text_width(const std::string& text, double height);

  void save_png(const std::filesystem::path& path) const;  ///< atomically; throws IoError

 private:
  cv::Mat image_;
};

/// A colour from its 0xRRGGBB.
cv::Scalar rgb(int hex);

/// A label of at most `letters` characters; what the built-in font lacks becomes '?', a longer text ends in "..".
std::string label_text(const std::string& utf8, size_t letters);

}  // namespace ocellus
