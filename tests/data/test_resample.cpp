// Resizing against Pillow's bytes and PyTorch's numbers (tools/gen_golden_images.py).
#include <gmock/gmock.h>

#include <cmath>

#include <ocellus/data/preprocess.h>
#include <ocellus/tensor/npy.h>

#include "data/support.h"

namespace ocellus::data {
namespace {

const std::filesystem::path folder = OCELLUS_TEST_DATA "/golden_images";

struct Golden {
  std::string rule;
  int height = 0, width = 0;
  Tensor expected;
};

std::vector<Golden> goldens(const std::string& prefix) {
  std::vector<Golden> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().stem().string();
    if (!name.starts_with(prefix)) continue;
    const size_t dot = name.find('.'), cross = name.find('x', dot);
    found.push_back({name.substr(0, dot), std::stoi(name.substr(dot + 1)), std::stoi(name.substr(cross + 1)),
                     read_npy(entry.path())});
  }
  return found;
}

TEST(Resample, gives_the_bytes_of_pillow) {
  const Image photo = to_image(read_npy(folder / "photo.npy"));
  const auto all = goldens("pillow_");
  EXPECT_EQ(all.size(), 42u);
  for (const Golden& g : all) {
    const Image resized = resize(photo, g.width, g.height, interpolation_from_string(g.rule));
    EXPECT_TRUE(resized == to_image(g.expected)) << g.rule << " to " << g.height << "x" << g.width;
    // As a network's input the same, plane by plane.
    const Tensor input = apply(
        {.height = g.height, .width = g.width, .interpolation = interpolation_from_string(g.rule), .scale = 1}, photo);
    for (int64_t i = 0; i < input.numel(); ++i) ASSERT_EQ(input.at(i), g.expected.at(i)) << g.rule;
  }
}

TEST(Resample, gives_the_numbers_of_torch) {
  const Tensor photo = read_npy(folder / "photo.npy");
  const auto all = goldens("torch_");
  EXPECT_GE(all.size(), 45u);
  for (const Golden& g : all) {
    const Preprocess p{
        .height = g.height, .width = g.width, .interpolation = interpolation_from_string(g.rule), .scale = 1};
    const Tensor floats = apply(p, photo.to(DType::f32)), bytes = apply(p, photo);
    ASSERT_EQ(floats.shape(), g.expected.shape()) << g.rule;
    for (int64_t i = 0; i < floats.numel(); ++i) {
      ASSERT_NEAR(floats.at(i), g.expected.at(i), 2e-3) << g.rule << " " << g.height << "x" << g.width << " at " << i;
      ASSERT_NEAR(bytes.at(i), std::clamp(g.expected.at(i), 0.0, 255.0), 0.502) << g.rule;
    }
  }
}

TEST(Resample, opencvs_rules_keep_their_names) {
  Image ramp(8, 1, 1);
  for (int i = 0; i < 8; ++i) *ramp.at(i, 0) = static_cast<uint8_t>(i * 30);
  EXPECT_EQ(resize(ramp, 4, 1, Interpolation::area).pixels, (std::vector<uint8_t>{15, 75, 135, 195}));
  EXPECT_EQ(resize(ramp, 4, 1, Interpolation::bilinear).pixels, (std::vector<uint8_t>{15, 75, 135, 195}));
  EXPECT_EQ(resize(ramp, 8, 3, Interpolation::bicubic).at(3, 2)[0], 90);
  EXPECT_EQ(resize(ramp, 8, 3, Interpolation::lanczos4).at(3, 2)[0], 90);
  for (const char* name : {"nearest", "bilinear", "area", "bicubic", "lanczos4", "pillow_box", "torch_area"})
    EXPECT_EQ(to_string(interpolation_from_string(name)), name);
  EXPECT_THAT(message_of<UsageError>([] { interpolation_from_string("smooth"); }),
              testing::HasSubstr("one of nearest, bilinear, area"));
}

TEST(Resample, of_the_smallest_and_the_thinnest) {
  const Image dot(1, 1, 3, 77);
  for (const char* name : {"pillow_lanczos", "pillow_bicubic", "torch_bicubic", "torch_bilinear_aligned", "torch_area",
                           "torch_bicubic_smooth", "pillow_nearest"}) {
    const Image wide = resize(dot, 5, 3, interpolation_from_string(name));
    EXPECT_TRUE(std::ranges::all_of(wide.pixels, [](uint8_t v) { return v == 77; })) << name;
  }
  EXPECT_EQ(resize(Image(100'000, 1, 1, 9), 1, 1, Interpolation::pillow_lanczos).pixels[0], 9);
}

}  // namespace
}  // namespace ocellus::data
