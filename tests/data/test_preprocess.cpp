#include <gtest/gtest.h>

#include <set>
#include <vector>

#include <ocellus/data/augment.h>
#include <ocellus/data/preprocess.h>

#include "data/support.h"

namespace ocellus::data {
namespace {

Tensor counting(const Shape& shape, DType dtype = DType::u8) {
  Tensor tensor(DType::u8, shape);
  for (int64_t i = 0; i < tensor.numel(); ++i) tensor.as<uint8_t>()[static_cast<size_t>(i)] = static_cast<uint8_t>(i);
  return tensor.to(dtype);
}

TEST(Preprocess, EveryLengthGetsTheSameArithmetic) {
  for (int64_t n = 1; n < 200; ++n) {  // all remainders of all vector lengths
    const Tensor out = apply({.scale = 0.5f, .mean = {3}, .std = {4}}, counting({1, 1, n}));
    for (int64_t i = 0; i < n; ++i)
      ASSERT_FLOAT_EQ(static_cast<float>(out.at(i)), (static_cast<float>(i % 256) * 0.5f - 3) / 4) << n << ' ' << i;
  }
}

TEST(Preprocess, DefaultBringsBytesToZeroToOne) {
  const Tensor out = apply({}, Tensor::of<uint8_t>({1, 1, 3}, {0, 51, 255}));
  EXPECT_FLOAT_EQ(static_cast<float>(out.at(1)), 0.2f);
  EXPECT_FLOAT_EQ(static_cast<float>(out.at(2)), 1.f);
}

TEST(Preprocess, FloatsAreTakenToBeScaled) {
  const Tensor out = apply({.mean = {1}}, Tensor::of<float>({2, 3}, {1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(out.shape(), (Shape{2, 3}));
  EXPECT_EQ(out.at(5), 5);
}

TEST(Preprocess, ChannelsHaveTheirOwnStatisticsInTheNetworksOrder) {
  const Tensor rgb = Tensor::of<uint8_t>({3, 1, 1}, {10, 20, 30});
  const Tensor out = apply({.colour = ColourOrder::bgr, .scale = 1, .mean = {1, 2, 3}, .std = {1, 2, 3}}, rgb);
  EXPECT_FLOAT_EQ(static_cast<float>(out.at(0)), 29);
  EXPECT_FLOAT_EQ(static_cast<float>(out.at(1)), 9);
  EXPECT_FLOAT_EQ(static_cast<float>(out.at(2)), 7.f / 3);
}

TEST(Preprocess, GreyAndColourAreConverted) {
  const Tensor grey = counting({1, 2, 2});
  EXPECT_EQ(apply({.channels = 3, .scale = 1}, grey).at(11), 3);
  EXPECT_NEAR(apply({.channels = 1, .scale = 1}, Tensor::of<uint8_t>({3, 1, 1}, {255, 0, 0})).at(0), 76, 1);
}

TEST(Preprocess, ResizeRules) {
  Tensor wide(DType::u8, {1, 4, 8});  // left half 100, right half 200
  for (int64_t i = 0; i < 32; ++i) wide.as<uint8_t>()[static_cast<size_t>(i)] = i % 8 < 4 ? 100 : 200;
  Preprocess p{.height = 4, .width = 4, .interpolation = Interpolation::area, .border = 7, .scale = 1};
  const auto row = [&](int64_t y) {
    const Tensor out = apply(p, wide);
    EXPECT_EQ(out.shape(), (Shape{1, 4, 4}));
    return std::vector<double>{out.at(4 * y), out.at(4 * y + 1), out.at(4 * y + 2), out.at(4 * y + 3)};
  };
  p.resize = ResizeRule::stretch;
  EXPECT_EQ(row(0), (std::vector<double>{100, 100, 200, 200}));
  p.resize = ResizeRule::crop;
  EXPECT_EQ(row(0), (std::vector<double>{100, 100, 200, 200}));
  p.resize = ResizeRule::letterbox;
  EXPECT_EQ(row(0), (std::vector<double>{7, 7, 7, 7}));
  EXPECT_EQ(row(1), (std::vector<double>{100, 100, 200, 200}));
  EXPECT_EQ(row(3), (std::vector<double>{7, 7, 7, 7}));
}

TEST(Preprocess, CropKeepsTheMiddle) {
  Tensor wide(DType::u8, {1, 2, 6});
  for (size_t i = 0; i < 12; ++i) wide.as<uint8_t>()[i] = static_cast<uint8_t>(i % 6);
  const Tensor out = apply({.height = 2, .width = 2, .resize = ResizeRule::crop, .scale = 1}, wide);
  EXPECT_EQ(out.at(0), 2);
  EXPECT_EQ(out.at(1), 3);
}

TEST(Preprocess, ErrorsNameWhatDoesNotFit) {
  EXPECT_EQ(message_of<ShapeError>([] {
              output_shape({.mean = {1, 2, 3}}, {1, 28, 28});
            }),
            "[preprocess] 3 values of mean for 1 channels");
  EXPECT_EQ(message_of<ShapeError>([] {
              output_shape({.channels = 3}, {12, 100});
            }),
            "[preprocess] 3 channels are asked of [12,100], which is no grey or RGB image [C,H,W]");
  EXPECT_EQ(message_of<ShapeError>([] {
              output_shape({.height = 32}, {3, 28, 28});
            }),
            "[preprocess] the input size 32x0 needs both sides");
  EXPECT_EQ(message_of<ShapeError>([] {
              output_shape({.std = {0}}, {3, 28, 28});
            }),
            "[preprocess] a std of 0 can't be divided by");
  EXPECT_EQ(message_of<TypeError>([] {
              apply({}, Tensor(DType::i32, {1, 2, 2}));
            }),
            "[preprocess] takes u8 or f32 samples, got i32");
}

TEST(Preprocess, NamesComeBack) {
  for (const auto rule : {ResizeRule::stretch, ResizeRule::crop, ResizeRule::letterbox})
    EXPECT_EQ(resize_rule_from_string(to_string(rule)), rule);
  for (const auto order : {ColourOrder::rgb, ColourOrder::bgr})
    EXPECT_EQ(colour_order_from_string(to_string(order)), order);
}

TEST(Augment, MirrorTurnsRowsRoundAndLeavesItsInputAlone) {
  for (const DType dtype : {DType::u8, DType::f32}) {
    const Tensor image = counting({2, 2, 3}, dtype);
    Sample sample{image, {}};
    Rng rng;
    mirror({.probability = 1})(sample, rng);
    const std::vector<double> expected = {2, 1, 0, 5, 4, 3, 8, 7, 6, 11, 10, 9};
    for (int64_t i = 0; i < 12; ++i) EXPECT_EQ(sample.input.at(i), expected[static_cast<size_t>(i)]);
    EXPECT_EQ(image.at(0), 0);
    mirror({.probability = 0})(sample, rng);
    EXPECT_EQ(sample.input.at(0), 2);
  }
}

/// What pad_and_crop must give for a corner at (x, y): padding by definition, pixel by pixel.
double padded(const Tensor& image, int64_t c, int64_t y, int64_t x, Border border) {
  const int64_t h = image.shape()[1], w = image.shape()[2];
  if (border == Border::zero && (y < 0 || y >= h || x < 0 || x >= w)) return 0;
  if (y < 0) y = -y;
  if (y >= h) y = 2 * h - 2 - y;
  if (x < 0) x = -x;
  if (x >= w) x = 2 * w - 2 - x;
  return image.at((c * h + y) * w + x);
}

TEST(Augment, PadAndCropCutsAWindowAndReachesEveryPlace) {
  Tensor image = counting({2, 5, 6});
  for (uint8_t& value : image.as<uint8_t>()) value += 1;  // so that zero is padding
  for (const Border border : {Border::zero, Border::reflect}) {
    std::set<std::pair<int64_t, int64_t>> places;
    for (uint64_t seed = 0; seed < 300; ++seed) {
      Sample sample{image, {}};
      Rng rng(seed);
      pad_and_crop({.pixels = 2, .border = border})(sample, rng);
      bool found = false;
      for (int64_t y = -2; y <= 2; ++y)
        for (int64_t x = -2; x <= 2; ++x) {
          bool same = true;
          for (int64_t i = 0; i < 60 && same; ++i)
            same = sample.input.at(i) == padded(image, i / 30, i / 6 % 5 + y, i % 6 + x, border);
          if (same) places.emplace(x, y);
          found = found || same;
        }
      EXPECT_TRUE(found) << seed;
    }
    EXPECT_EQ(places.size(), 25u);
  }
}

TEST(Augment, ReflectionNeedsEnoughPixels) {
  Sample sample{counting({1, 3, 3}), {}};
  Rng rng;
  EXPECT_EQ(message_of<ShapeError>([&] { pad_and_crop({.pixels = 3, .border = Border::reflect})(sample, rng); }),
            "[pad_and_crop] can't reflect 3 pixels of an image [1,3,3]");
  Sample signal{counting({12, 7}), {}};
  EXPECT_EQ(message_of<ShapeError>([&] { mirror()(signal, rng); }), "[mirror] takes images [C,H,W], got [12,7]");
}

TEST(Augment, NormaliseGivesFloats) {
  Sample sample{counting({3, 1, 1}), {}};
  Rng rng;
  normalise({.scale = 1, .mean = {0, 0, 1}, .std = {2}})(sample, rng);
  EXPECT_EQ(sample.input.dtype(), DType::f32);
  EXPECT_EQ(sample.input.at(1), 0.5);
  EXPECT_EQ(sample.input.at(2), 0.5);
}

}  // namespace
}  // namespace ocellus::data
