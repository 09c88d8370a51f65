#include <ocellus/data/preprocess.h>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <ocellus/base/error.h>

#include "data/convert.h"
#include "data/cv.h"
#include "data/resample.h"

namespace ocellus::data {
namespace {

float per_channel(const std::vector<float>& values, int64_t channel, float otherwise) {
  if (values.empty()) return otherwise;
  return values.size() == 1 ? values[0] : values[static_cast<size_t>(channel)];
}

void check_statistics(const std::vector<float>& values, const char* what, int64_t channels) {
  if (values.size() > 1 && static_cast<int64_t>(values.size()) != channels)
    throw ShapeError("preprocess", "", fmt::format("{} values of {} for {} channels", values.size(), what, channels));
}

bool is_image(const Shape& shape) { return shape.rank() == 3 && (shape[0] == 1 || shape[0] == 3); }

void resize_plane(const cv::Mat& from, const Placement& at, Interpolation rule, cv::Mat& to) {
  if (const auto flag = cv_flag(rule)) return cv::resize(from, to, cv::Size(at.width, at.height), 0, 0, *flag);
  to.create(at.height, at.width, from.type());
  const Extents in = {.height = from.rows, .width = from.cols}, out = {.height = at.height, .width = at.width};
  if (from.type() == CV_8U)
    resample(in, from.ptr<uint8_t>(), out, to.ptr<uint8_t>(), rule);
  else
    resample(in, from.ptr<float>(), out, to.ptr<float>(), rule);
}

/// A copy of [C,H,W] brought to the target size.
Tensor resized(const Preprocess& p, const Tensor& sample) {
  const Shape& shape = sample.shape();
  if (shape[1] < 1 || shape[2] < 1)
    throw ShapeError("preprocess", "", fmt::format("{} has no pixels to resize", shape.to_string()));
  const Placement at = place(p, static_cast<int>(shape[2]), static_cast<int>(shape[1]));
  Tensor out(sample.dtype(), {shape[0], p.height, p.width});
  if (p.resize == ResizeRule::letterbox) out.fill(p.border);
  const auto from = planes_of(sample);
  auto to = planes_of(out);
  cv::Mat whole;
  for (size_t c = 0; c < from.size(); ++c) {
    resize_plane(from[c], at, p.interpolation, whole);
    if (p.resize == ResizeRule::crop)
      whole(cv::Rect(-at.x, -at.y, p.width, p.height)).copyTo(to[c]);
    else
      whole.copyTo(to[c](cv::Rect(at.x, at.y, at.width, at.height)));
  }
  return out;
}

/// A copy of [1,H,W] or [3,H,W] with the other number of channels.
Tensor with_channels(const Tensor& sample, int channels) {
  Tensor out(sample.dtype(), sample.shape().with(0, channels));
  const auto from = planes_of(sample);
  auto to = planes_of(out);
  if (channels == 3) {
    for (cv::Mat& plane : to) from[0].copyTo(plane);
  } else {
    cv::Mat interleaved;
    cv::merge(from.data(), from.size(), interleaved);
    cv::cvtColor(interleaved, to[0], cv::COLOR_RGB2GRAY);
  }
  return out;
}

template <class T>
void normalise(const Preprocess& p, const Tensor& sample, float scale, float* out) {
  const int64_t channels = sample.shape().rank() == 0 ? 1 : sample.shape()[0];
  if (channels == 0) return;
  const auto plane = static_cast<size_t>(sample.numel() / channels);
  const T* values = sample.as<T>().data();
  const bool swapped = p.colour == ColourOrder::bgr && is_image(sample.shape()) && channels == 3;
  for (int64_t c = 0; c < channels; ++c) {
    const float std = per_channel(p.std, c, 1), mean = per_channel(p.mean, c, 0);
    const auto from = static_cast<size_t>(swapped ? channels - 1 - c : c);
    affine(values + from * plane, out + static_cast<size_t>(c) * plane, plane, scale / std, -mean / std);
  }
}

}  // namespace

std::string_view to_string(ColourOrder order) { return order == ColourOrder::rgb ? "rgb" : "bgr"; }

ColourOrder colour_order_from_string(std::string_view name) {
  if (name == "rgb") return ColourOrder::rgb;
  if (name == "bgr") return ColourOrder::bgr;
  throw UsageError(fmt::format("unknown colour order '{}': rgb or bgr", name));
}

std::string_view to_string(ResizeRule rule) {
  switch (rule) {
    case ResizeRule::stretch: return "stretch";
    case ResizeRule::crop: return "crop";
    default: return "letterbox";
  }
}

ResizeRule resize_rule_from_string(std::string_view name) {
  for (const auto rule : {ResizeRule::stretch, ResizeRule::crop, ResizeRule::letterbox})
    if (to_string(rule) == name) return rule;
  throw UsageError(fmt::format("unknown resize rule '{}': stretch, crop or letterbox", name));
}

Placement place(const Preprocess& p, int width, int height) {
  if (p.width == 0 || p.height == 0) return {width, height, 0, 0};
  if (p.resize == ResizeRule::stretch) return {p.width, p.height, 0, 0};
  const double across = static_cast<double>(p.width) / width, down = static_cast<double>(p.height) / height;
  const double zoom = p.resize == ResizeRule::crop ? std::max(across, down) : std::min(across, down);
  int w = std::max(1, static_cast<int>(std::lround(width * zoom)));
  int h = std::max(1, static_cast<int>(std::lround(height * zoom)));
  if (p.resize == ResizeRule::crop) {
    w = std::max(w, p.width);
    h = std::max(h, p.height);
  } else {
    w = std::min(w, p.width);
    h = std::min(h, p.height);
  }
  return {w, h, (p.width - w) / 2, (p.height - h) / 2};
}

Shape output_shape(const Preprocess& p, const Shape& in) {
  Shape out = in;
  if (p.channels != 0) {
    if (p.channels != 1 && p.channels != 3)
      throw ShapeError("preprocess", "", fmt::format("channels are 0, 1 or 3, not {}", p.channels));
    if (!is_image(in))
      throw ShapeError("preprocess", "",
                       fmt::format("{} channels are asked of {}, which is no grey or RGB image [C,H,W]", p.channels,
                                   in.to_string()));
    out = out.with(0, p.channels);
  }
  if ((p.height != 0) != (p.width != 0) || p.height < 0 || p.width < 0)
    throw ShapeError("preprocess", "", fmt::format("the input size {}x{} needs both sides", p.height, p.width));
  if (p.height != 0) {
    if (in.rank() != 3)
      throw ShapeError("preprocess", "", fmt::format("{} can't be resized: it is not [C,H,W]", in.to_string()));
    out = out.with(1, p.height).with(2, p.width);
  }
  const int64_t channels = out.rank() == 0 ? 1 : out[0];
  check_statistics(p.mean, "mean", channels);
  check_statistics(p.std, "std", channels);
  if (std::find(p.std.begin(), p.std.end(), 0.f) != p.std.end())
    throw ShapeError("preprocess", "", "a std of 0 can't be divided by");
  return out;
}

void apply(const Preprocess& p, const Tensor& sample, float* out) {
  apply_shaped(p, output_shape(p, sample.shape()), sample, out);
}

void apply_shaped(const Preprocess& p, const Shape& shape, const Tensor& sample, float* out) {
  if (sample.dtype() != DType::u8 && sample.dtype() != DType::f32)
    throw TypeError("preprocess", "", fmt::format("takes u8 or f32 samples, got {}", to_string(sample.dtype())));
  Tensor changed;
  if (p.channels != 0 && p.channels != sample.shape()[0]) changed = with_channels(sample, p.channels);
  const Tensor& coloured = changed ? changed : sample;
  if (coloured.shape() != shape) changed = resized(p, coloured);
  const Tensor& ready = changed ? changed : sample;
  if (ready.dtype() == DType::u8)
    normalise<uint8_t>(p, ready, p.scale, out);
  else
    normalise<float>(p, ready, 1, out);
}

Tensor apply(const Preprocess& p, const Tensor& sample) {
  Tensor out(DType::f32, output_shape(p, sample.shape()));
  apply(p, sample, out.as<float>().data());
  return out;
}

Tensor apply(const Preprocess& p, const Image& image) { return apply(p, to_tensor(image)); }

}  // namespace ocellus::data
