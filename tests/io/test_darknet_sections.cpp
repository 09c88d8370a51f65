// What each of darknet's sections computes, against loops written from its definition.
#include <gmock/gmock.h>

#include <cmath>

#include "darknet_files.h"

namespace ocellus {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;
using testing_darknet::net;
using testing_darknet::network;
using testing_darknet::outputs_of;
using testing_darknet::some_numbers;

std::vector<float> run(const std::string& cfg, const std::vector<float>& numbers = {}) {
  return outputs_of(network(cfg, numbers));
}

/// x[c][y][x] of a picture with zeros, or -infinity, around it.
struct Picture {
  std::vector<float> values;
  int64_t channels, height, width;
  float outside = 0;

  float at(int64_t c, int64_t y, int64_t x) const {
    if (y < 0 || x < 0 || y >= height || x >= width) return outside;
    return values[static_cast<size_t>((c * height + y) * width + x)];
  }
};

Picture picture(int64_t channels, int64_t height, int64_t width, float outside = 0) {
  return {some_numbers(channels * height * width), channels, height, width, outside};
}

TEST(DarknetSections, convolutional_with_groups_stride_and_batch_normalisation) {
  const std::string cfg = net(4, 5, 6) +
                          "[convolutional]\nfilters=2\nsize=3\nstride=2\npad=1\ngroups=2\nbatch_normalize=1\n"
                          "activation=leaky\n";
  auto numbers = some_numbers(8 + 2 * 2 * 9);
  numbers[6] = 0.5f, numbers[7] = 2.25f;  // variances
  const Picture x = picture(4, 5, 6);
  std::vector<float> expected;
  for (int64_t f = 0; f < 2; ++f)
    for (int64_t oy = 0; oy < 3; ++oy)
      for (int64_t ox = 0; ox < 3; ++ox) {
        double sum = 0;
        for (int64_t c = 0; c < 2; ++c)
          for (int64_t ky = 0; ky < 3; ++ky)
            for (int64_t kx = 0; kx < 3; ++kx)
              sum += double(x.at(f * 2 + c, oy * 2 + ky - 1, ox * 2 + kx - 1)) *
                     double(numbers[static_cast<size_t>(8 + ((f * 2 + c) * 3 + ky) * 3 + kx)]);
        const auto at = [&](int64_t k) { return double(numbers[static_cast<size_t>(2 * k + f)]); };
        const double y = at(1) * (sum - at(2)) / std::sqrt(at(3) + 1e-5) + at(0);  // biases, scales, means, variances
        expected.push_back(static_cast<float>(y > 0 ? y : 0.1 * y));
      }
  EXPECT_THAT(run(cfg, numbers), Pointwise(FloatNear(1e-4f), expected));
}

TEST(DarknetSections, maxpool_pads_behind_first) {
  for (const auto& [size, stride, padding] : std::vector<std::tuple<int64_t, int64_t, int64_t>>{
           {2, 2, 1}, {2, 1, 1}, {3, 2, 2}, {3, 1, 2}, {2, 2, 0}, {3, 2, 1}, {5, 1, 4}}) {
    const Picture x = picture(1, 7, 8, -INFINITY);
    std::vector<float> expected;
    for (int64_t oy = 0; oy < (7 + padding - size) / stride + 1; ++oy)
      for (int64_t ox = 0; ox < (8 + padding - size) / stride + 1; ++ox) {
        float most = -INFINITY;
        for (int64_t ky = 0; ky < size; ++ky)
          for (int64_t kx = 0; kx < size; ++kx)
            most = std::max(most, x.at(0, oy * stride + ky - padding / 2, ox * stride + kx - padding / 2));
        expected.push_back(most);
      }
    const std::string told = padding == size - 1 ? "" : fmt::format("padding={}\n", padding);
    EXPECT_EQ(run(net(1, 7, 8) + fmt::format("[maxpool]\nsize={}\nstride={}\n", size, stride) + told), expected)
        << size << " " << stride << " " << padding;
  }
}

TEST(DarknetSections, local_has_weights_of_its_own_for_every_place) {
  const std::string cfg = net(2, 4, 5) + "[local]\nfilters=3\nsize=3\nstride=2\npad=1\nactivation=linear\n";
  const int64_t rows = 2, columns = 3, filters = 3, taps = 2 * 9;
  const auto numbers = some_numbers(rows * columns * filters * (taps + 1));
  const Picture x = picture(2, 4, 5);
  std::vector<float> expected;
  for (int64_t f = 0; f < filters; ++f)
    for (int64_t place = 0; place < rows * columns; ++place) {
      double sum = double(numbers[static_cast<size_t>(f * rows * columns + place)]);
      for (int64_t tap = 0; tap < taps; ++tap)
        sum += double(x.at(tap / 9, place / columns * 2 + tap % 9 / 3 - 1, place % columns * 2 + tap % 3 - 1)) *
               double(numbers[static_cast<size_t>(rows * columns * filters + (place * filters + f) * taps + tap)]);
      expected.push_back(static_cast<float>(sum));
    }
  EXPECT_THAT(run(cfg, numbers), Pointwise(FloatNear(1e-4f), expected));
}

TEST(DarknetSections, connected_reads_channels_rows_and_columns_as_one_row) {
  const std::string cfg = net(1, 1, 3) + "[connected]\noutput=2\nactivation=linear\n";
  const auto x = some_numbers(3);
  const std::vector<float> numbers = {10, 20, 1, 2, 4, 8, 16, 32};
  EXPECT_THAT(run(cfg, numbers), ElementsAre(10 + x[0] + 2 * x[1] + 4 * x[2], 20 + 8 * x[0] + 16 * x[1] + 32 * x[2]));
}

TEST(DarknetSections, route_joins_layers_by_number_and_takes_groups) {
  const auto x = some_numbers(4);  // of four channels
  const std::string layers = net(4, 1, 1) + "[activation]\nactivation=linear\n[activation]\nactivation=relu\n";
  EXPECT_THAT(run(layers + "[route]\nlayers=-1,0\ngroups=2\ngroup_id=1\n"),
              ElementsAre(std::max(x[2], 0.f), std::max(x[3], 0.f), x[2], x[3]));
  EXPECT_EQ(run(layers + "[sam]\nfrom=0\n[route]\nlayers = -2\n"), run(layers));
}

TEST(DarknetSections, shortcut_adds_what_both_have) {
  const auto x = some_numbers(4);
  const std::string half = net(4, 1, 1) + "[activation]\nactivation=linear\n[route]\nlayers=0\ngroups=2\ngroup_id=0\n";
  EXPECT_THAT(run(half + "[shortcut]\nfrom=-2\n"), ElementsAre(2 * x[0], 2 * x[1]));
  EXPECT_THAT(run(half + "[route]\nlayers=0\n[shortcut]\nfrom=1\nactivation=relu\n"),
              ElementsAre(std::max(2 * x[0], 0.f), std::max(2 * x[1], 0.f), std::max(x[2], 0.f), std::max(x[3], 0.f)));
  EXPECT_THAT(run(net(1, 2, 4) + "[activation]\n[maxpool]\nsize=1\nstride=2\n[shortcut]\nfrom=0\nbeta=2\n"),
              ElementsAre(3 * some_numbers(1)[0], 3 * some_numbers(3)[2]));
}

TEST(DarknetSections, products_with_other_layers) {
  const auto x = some_numbers(8);
  const std::string picture = net(2, 2, 2) + "[activation]\n";
  const auto scaled = run(picture + "[avgpool]\n[scale_channels]\nfrom=0\n");
  const float mean = (x[4] + x[5] + x[6] + x[7]) / 4;
  EXPECT_FLOAT_EQ(scaled[5], x[5] * mean);
  const auto squared = run(picture + "[sam]\nfrom=-1\n");
  EXPECT_FLOAT_EQ(squared[3], x[3] * x[3]);
  const auto places = run(picture + "[route]\nlayers=0\ngroups=2\ngroup_id=1\n[scale_channels]\nfrom=0\nscale_wh=1\n");
  EXPECT_FLOAT_EQ(places[2], x[2] * x[6]);
}

TEST(DarknetSections, moves_places_as_darknet_does) {
  const auto x = some_numbers(64);
  // [reorg] takes memory C,H,W for C/4 channels of 2H x 2W.
  const auto reorg = run(net(4, 4, 4) + "[reorg]\nstride=2\n");
  for (int64_t k = 0; k < 4; ++k)
    for (int64_t j = 0; j < 4; ++j)
      for (int64_t i = 0; i < 4; ++i) {
        const int64_t y = j * 2 + k / 2, column = i * 2 + k % 2;
        EXPECT_EQ(reorg[static_cast<size_t>((k * 4 + j) * 4 + i)], x[static_cast<size_t>(y * 8 + column)]);
      }
  const auto plain = run(net(2, 4, 4) + "[reorg3d]\nstride=2\n");
  for (int64_t k = 0; k < 8; ++k)
    for (int64_t j = 0; j < 2; ++j)
      for (int64_t i = 0; i < 2; ++i)
        EXPECT_EQ(plain[static_cast<size_t>((k * 2 + j) * 2 + i)],
                  x[static_cast<size_t>((k % 2 * 4 + j * 2 + k / 4) * 4 + i * 2 + k / 2 % 2)]);
  const auto crop = run(net(1, 4, 6) + "[crop]\ncrop_height=2\ncrop_width=2\n");
  EXPECT_THAT(crop, ElementsAre(2 * x[8] - 1, 2 * x[9] - 1, 2 * x[14] - 1, 2 * x[15] - 1));
  EXPECT_THAT(run(net(1, 1, 2) + "[upsample]\nstride=2\n"),
              ElementsAre(x[0], x[0], x[1], x[1], x[0], x[0], x[1], x[1]));
}

TEST(DarknetSections, softmax_over_all_numbers_or_groups_of_them) {
  const auto x = some_numbers(4);
  const auto share = [&](size_t i, size_t a, size_t b) { return std::exp(x[i]) / (std::exp(x[a]) + std::exp(x[b])); };
  EXPECT_THAT(run(net(4, 1, 1) + "[softmax]\ngroups=2\n"),
              Pointwise(FloatNear(1e-6f), {share(0, 0, 1), share(1, 0, 1), share(2, 2, 3), share(3, 2, 3)}));
  EXPECT_NEAR(run(net(1, 2, 2) + "[softmax]\n")[0] / run(net(1, 2, 2) + "[softmax]\n")[3], std::exp(x[0] - x[3]), 1e-5);
}

TEST(DarknetSections, every_activation) {
  const std::vector<std::pair<std::string, double (*)(double)>> functions = {
      {"linear", [](double x) { return x; }},
      {"logistic", [](double x) { return 1 / (1 + std::exp(-x)); }},
      {"loggy", [](double x) { return 2 / (1 + std::exp(-x)) - 1; }},
      {"relu", [](double x) { return std::max(x, 0.); }},
      {"relu6", [](double x) { return std::clamp(x, 0., 6.); }},
      {"elu", [](double x) { return x >= 0 ? x : std::exp(x) - 1; }},
      {"selu", [](double x) { return x >= 0 ? 1.0507 * x : 1.0507 * 1.6732 * (std::exp(x) - 1); }},
      {"relie", [](double x) { return x > 0 ? x : .01 * x; }},
      {"ramp", [](double x) { return (x > 0 ? x : 0) + .1 * x; }},
      {"tanh", [](double x) { return std::tanh(x); }},
      {"leaky", [](double x) { return x > 0 ? x : .1 * x; }},
      {"hardtan", [](double x) { return std::clamp(x, -1., 1.); }},
      {"lhtan", [](double x) { return x < 0   ? .001 * x
                                      : x > 1 ? .001 * (x - 1) + 1
                                              : x; }},
      {"plse", [](double x) { return x < -4  ? .01 * (x + 4)
                                     : x > 4 ? .01 * (x - 4) + 1
                                             : .125 * x + .5; }},
      {"swish", [](double x) { return x / (1 + std::exp(-x)); }},
      {"mish", [](double x) { return x * std::tanh(std::log1p(std::exp(x))); }},
      {"hard_mish", [](double x) { return x > 0    ? x
                                          : x > -2 ? x * x / 2 + x
                                                   : 0; }},
      {"gelu", [](double x) { return .5 * x * (1 + std::tanh(.797885 * x + .035677 * x * x * x)); }},
  };
  const auto x = some_numbers(64);
  for (const auto& [name, f] : functions) {
    // Stretched to -12..18, so that every piece of every function has its turn.
    const auto y = run(net(1, 8, 8) + "[convolutional]\nactivation=" + name + "\n", {0, 16});
    for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], f(16 * double(x[i])), 2e-3) << name << " of " << 16 * x[i];
  }
}

TEST(DarknetSections, names_that_darknet_takes_too_and_spaces_anywhere) {
  const auto plain = run("[net]\nwidth=4\nheight=4\n[convolutional]\nsize=3\nactivation=relu\n", some_numbers(28));
  EXPECT_EQ(run("# a comment\n[network]\n; another\n wid th = 4\r\nheight\t=4\n\n[conv]\n size = 3 # here\n size=1\n"
                "activation = relu\n[dropout]\nprobability=.5\n[cost]\n",
                some_numbers(28)),
            plain);
}

}  // namespace
}  // namespace ocellus
