#include <ocellus/data/image.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <ocellus/base/error.h>
#include <ocellus/base/file.h>

#include "data/cv.h"
#include "data/resample.h"

namespace ocellus::data {
namespace {

constexpr int64_t max_side = 1 << 20;  // the decoder's own limit, which it reports by printing

void check_size(const ImageHeader& header, std::string_view name, int64_t max_pixels) {
  if (header.width <= 0 || header.height <= 0)
    throw FormatError(name, fmt::format("the image has no pixels ({}x{})", header.width, header.height));
  if (header.width > max_side || header.height > max_side || header.width > max_pixels / header.height)
    throw FormatError(name, fmt::format("the image is too large: {}x{} is over the limit of {} pixels", header.width,
                                        header.height, max_pixels));
}

int decode_flags(int channels) {
  switch (channels) {
    case 0: return cv::IMREAD_ANYCOLOR;
    case 1: return cv::IMREAD_GRAYSCALE;
    case 3: return cv::IMREAD_COLOR;
    default: throw UsageError(fmt::format("images are read with 0 (any), 1 or 3 channels, not {}", channels));
  }
}

void check_channels(const Image& image, const char* action) {
  if (image.channels != 1 && image.channels != 3)
    throw UsageError(fmt::format("can't {} an image of {} channels", action, image.channels));
  if (image.empty()) throw UsageError(fmt::format("can't {} an empty image", action));
}

}  // namespace

Image decode_image(std::span<const std::byte> bytes, std::string_view name, const DecodeConfig& config) {
  const int flags = decode_flags(config.channels);
  check_size(read_image_header(bytes, name), name, config.max_pixels);
  if (bytes.size() > size_t{1} << 30) throw FormatError(name, "an image file of more than 2^30 bytes");
  const cv::Mat buffer(1, static_cast<int>(bytes.size()), CV_8U, const_cast<std::byte*>(bytes.data()));
  cv::Mat decoded;
  try {
    decoded = cv::imdecode(buffer, flags);
  } catch (const cv::Exception& e) {
    throw FormatError(name, fmt::format("the image can't be decoded: {}", e.err));
  }
  if (decoded.empty()) throw FormatError(name, "the image can't be decoded: it is damaged or of an unknown variant");
  Image image(decoded.cols, decoded.rows, decoded.channels());
  cv::Mat target = mat_of(image);
  if (image.channels == 1)
    decoded.copyTo(target);
  else
    cv::cvtColor(decoded, target, cv::COLOR_BGR2RGB);
  return image;
}

Image load_image(const std::filesystem::path& path, const DecodeConfig& config) {
  const MappedFile file(path);
  return decode_image(file.bytes(), path.string(), config);
}

std::string encode_image(const Image& image, std::string_view extension, const EncodeConfig& config) {
  if (!is_image_extension(extension))
    throw UsageError(fmt::format("images are written as .png, .jpg, .bmp, .ppm, .pgm or .webp, not '{}'", extension));
  check_channels(image, "write");
  std::vector<uchar> encoded;
  bool done = false;
  try {
    cv::Mat bgr = mat_of(image);
    if (image.channels == 3) {
      cv::Mat swapped;
      cv::cvtColor(bgr, swapped, cv::COLOR_RGB2BGR);
      bgr = swapped;
    }
    done = cv::imencode(std::string(extension), bgr, encoded,
                        {cv::IMWRITE_JPEG_QUALITY, config.quality, cv::IMWRITE_PNG_COMPRESSION, config.compression,
                         cv::IMWRITE_WEBP_QUALITY, config.quality});
  } catch (const cv::Exception& e) {
    throw Error(fmt::format("the image can't be written as {}: {}", extension, e.err));
  }
  if (!done) throw Error(fmt::format("the image can't be written as {}", extension));
  return {encoded.begin(), encoded.end()};
}

void save_image(const std::filesystem::path& path, const Image& image, const EncodeConfig& config) {
  write_atomically(path, encode_image(image, path.extension().string(), config));
}

Image resize(const Image& image, int width, int height, Interpolation rule) {
  check_channels(image, "resize");
  if (width < 1 || height < 1) throw UsageError(fmt::format("can't resize an image to {}x{}", width, height));
  if (width == image.width && height == image.height) return image;
  Image out(width, height, image.channels);
  if (const auto flag = cv_flag(rule)) {
    cv::Mat target = mat_of(out);
    cv::resize(mat_of(image), target, target.size(), 0, 0, *flag);
  } else {
    resample({.height = image.height, .width = image.width, .channels = image.channels}, image.pixels.data(),
             {.height = height, .width = width, .channels = image.channels}, out.pixels.data(), rule);
  }
  return out;
}

Image crop(const Image& image, const Rect& rect) {
  const bool inside = rect.x >= 0 && rect.y >= 0 && rect.width > 0 && rect.height > 0 &&
                      rect.width <= image.width - rect.x && rect.height <= image.height - rect.y;
  if (!inside)
    throw UsageError(fmt::format("the rectangle at ({}, {}) of {}x{} sticks out of an image of {}x{}", rect.x, rect.y,
                                 rect.width, rect.height, image.width, image.height));
  Image out(rect.width, rect.height, image.channels);
  const size_t row = static_cast<size_t>(rect.width) * static_cast<size_t>(image.channels);
  for (int y = 0; y < rect.height; ++y) std::copy_n(image.at(rect.x, rect.y + y), row, out.at(0, y));
  return out;
}

Image to_grey(const Image& image) {
  if (image.channels == 1) return image;
  check_channels(image, "turn to grey");
  Image out(image.width, image.height, 1);
  cv::Mat target = mat_of(out);
  cv::cvtColor(mat_of(image), target, cv::COLOR_RGB2GRAY);
  return out;
}

Image to_rgb(const Image& image) {
  if (image.channels == 3) return image;
  check_channels(image, "turn to colour");
  Image out(image.width, image.height, 3);
  cv::Mat target = mat_of(out);
  cv::cvtColor(mat_of(image), target, cv::COLOR_GRAY2RGB);
  return out;
}

Image invert(const Image& image) {
  Image out = image;
  for (uint8_t& value : out.pixels) value = static_cast<uint8_t>(255 - value);
  return out;
}

Tensor to_tensor(const Image& image) {
  Tensor tensor(DType::u8, {image.channels, image.height, image.width});
  if (image.empty()) return tensor;
  cv::split(mat_of(image), planes_of(tensor).data());
  return tensor;
}

Image to_image(const Tensor& tensor) {
  const Shape& shape = tensor.shape();
  const bool flat = shape.rank() == 2;
  if (shape.rank() != 2 && !(shape.rank() == 3 && (shape[0] == 1 || shape[0] == 3)))
    throw ShapeError(fmt::format("an image takes [1,H,W], [3,H,W] or [H,W], got {}", shape.to_string()));
  if (tensor.dtype() != DType::u8 && tensor.dtype() != DType::f32)
    throw TypeError(fmt::format("an image takes u8 or f32 values, got {}", to_string(tensor.dtype())));
  Tensor bytes = flat ? tensor.reshape({1, shape[0], shape[1]}) : tensor;
  if (bytes.dtype() == DType::f32) {
    Tensor rounded(DType::u8, bytes.shape());
    const auto from = std::as_const(bytes).as<float>();
    std::transform(from.begin(), from.end(), rounded.as<uint8_t>().begin(), [](float value) {
      return static_cast<uint8_t>(std::isnan(value) ? 0.f : std::clamp(std::nearbyint(value), 0.f, 255.f));
    });
    bytes = rounded;
  }
  Image image(static_cast<int>(bytes.shape()[2]), static_cast<int>(bytes.shape()[1]),
              static_cast<int>(bytes.shape()[0]));
  if (image.empty()) return image;
  cv::Mat target = mat_of(image);
  const auto planes = planes_of(bytes);
  cv::merge(planes.data(), planes.size(), target);
  return image;
}

}  // namespace ocellus::data
