#include <ocellus/data/augment.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/data/preprocess.h>

namespace ocellus::data {
namespace {

void need_image(std::string_view what, const Tensor& input) {
  if (input.shape().rank() != 3)
    throw ShapeError(std::string(what), "", fmt::format("takes images [C,H,W], got {}", input.shape().to_string()));
  if (input.dtype() != DType::u8 && input.dtype() != DType::f32)
    throw TypeError(std::string(what), "", fmt::format("takes u8 or f32, got {}", to_string(input.dtype())));
}

/// Calls f with an element of the image's type.
template <class F>
void with_type(const Tensor& image, F&& f) {
  if (image.dtype() == DType::u8)
    f(uint8_t{});
  else
    f(float{});
}

template <class T>
void mirror_rows(const Tensor& from, Tensor& to) {
  const int64_t width = from.shape()[2];
  if (width == 0) return;
  const T* in = from.as<T>().data();
  T* out = to.as<T>().data();
  for (int64_t row = 0; row < from.numel() / width; ++row, in += width, out += width)
    std::reverse_copy(in, in + width, out);
}

/// The position inside [0, n) that position i outside stands for: the edge itself is not repeated.
int64_t reflected(int64_t i, int64_t n) {
  if (i < 0) i = -i;
  return i < n ? i : 2 * (n - 1) - i;
}

/// A window of the image's own size whose corner lies at (x, y), which may be outside.
template <class T>
void cut(const Tensor& from, Tensor& to, int64_t x, int64_t y, Border border) {
  const int64_t height = from.shape()[1], width = from.shape()[2];
  const int64_t first = std::max<int64_t>(0, -x), last = std::min(width, width - x);  // columns that need no padding
  const T* plane = from.as<T>().data();
  T* out = to.as<T>().data();
  for (int64_t c = 0; c < from.shape()[0]; ++c, plane += height * width) {
    for (int64_t row = 0; row < height; ++row, out += width) {
      int64_t source = row + y;
      if (source < 0 || source >= height) {
        if (border == Border::zero) continue;  // a new tensor is zero already
        source = reflected(source, height);
      }
      const T* in = plane + source * width;
      if (first < last) std::memcpy(out + first, in + first + x, static_cast<size_t>(last - first) * sizeof(T));
      if (border == Border::zero) continue;
      for (int64_t i = 0; i < first; ++i) out[i] = in[reflected(i + x, width)];
      for (int64_t i = last; i < width; ++i) out[i] = in[reflected(i + x, width)];
    }
  }
}

}  // namespace

Augment mirror(MirrorConfig config) {
  return [config](Sample& sample, Rng& rng) {
    need_image("mirror", sample.input);
    if (!rng.chance(config.probability)) return;
    Tensor out(sample.input.dtype(), sample.input.shape());
    with_type(out, [&](auto t) { mirror_rows<decltype(t)>(sample.input, out); });
    sample.input = out;
  };
}

Augment pad_and_crop(PadAndCropConfig config) {
  if (config.pixels < 0) throw UsageError(fmt::format("pad_and_crop can't pad by {} pixels", config.pixels));
  return [config](Sample& sample, Rng& rng) {
    need_image("pad_and_crop", sample.input);
    const Shape& shape = sample.input.shape();
    if (config.border == Border::reflect && config.pixels >= std::min(shape[1], shape[2]))
      throw ShapeError("pad_and_crop", "",
                       fmt::format("can't reflect {} pixels of an image {}", config.pixels, shape.to_string()));
    const uint64_t choices = 2 * static_cast<uint64_t>(config.pixels) + 1;
    const int64_t x = static_cast<int64_t>(rng.below(choices)) - config.pixels;
    const int64_t y = static_cast<int64_t>(rng.below(choices)) - config.pixels;
    if (x == 0 && y == 0) return;
    Tensor out(sample.input.dtype(), shape);
    with_type(out, [&](auto t) { cut<decltype(t)>(sample.input, out, x, y, config.border); });
    sample.input = out;
  };
}

Augment normalise(NormaliseConfig config) {
  const Preprocess preprocess{.scale = config.scale, .mean = std::move(config.mean), .std = std::move(config.std)};
  return [preprocess](Sample& sample, Rng&) { sample.input = apply(preprocess, sample.input); };
}

std::function<Sample(Sample, Rng&)> as_map(Augment augment) {
  return [augment = std::move(augment)](Sample sample, Rng& rng) {
    augment(sample, rng);
    return sample;
  };
}

}  // namespace ocellus::data
