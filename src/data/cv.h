// OpenCV's view of our images and tensors: headers over the same memory, no copies.
#pragma once

#include <optional>
#include <vector>

#include <opencv2/imgproc.hpp>

#include <ocellus/data/image.h>
#include <ocellus/tensor/tensor.h>

namespace ocellus::data {

inline cv::Mat mat_of(Image& image) {
  return {image.height, image.width, CV_MAKETYPE(CV_8U, image.channels), image.pixels.data()};
}

/// For reading only: OpenCV has no constant matrices.
inline cv::Mat mat_of(const Image& image) { return mat_of(const_cast<Image&>(image)); }

/// The channels of a u8 or f32 [C,H,W] tensor, one matrix each.
inline std::vector<cv::Mat> planes_of(const Tensor& tensor) {
  const auto rows = static_cast<int>(tensor.shape()[1]), columns = static_cast<int>(tensor.shape()[2]);
  const size_t step = static_cast<size_t>(rows) * static_cast<size_t>(columns) * size_of(tensor.dtype());
  std::vector<cv::Mat> planes;
  auto* data = static_cast<std::byte*>(const_cast<void*>(tensor.data()));
  for (int64_t c = 0; c < tensor.shape()[0]; ++c, data += step)
    planes.emplace_back(rows, columns, tensor.dtype() == DType::u8 ? CV_8U : CV_32F, data);
  return planes;
}

/// OpenCV's flag for its own rules, none for other libraries'.
inline std::optional<int> cv_flag(Interpolation rule) {
  switch (rule) {
    case Interpolation::nearest: return cv::INTER_NEAREST;
    case Interpolation::bilinear: return cv::INTER_LINEAR;
    case Interpolation::area: return cv::INTER_AREA;
    case Interpolation::bicubic: return cv::INTER_CUBIC;
    case Interpolation::lanczos4: return cv::INTER_LANCZOS4;
    default: return std::nullopt;
  }
}

}  // namespace ocellus::data
