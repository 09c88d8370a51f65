// LeNet-5 (LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998) in three forms:
// with today's parts, as a widely used set of course notes has it for colour images, and as published.
#include <array>

#include <ocellus/nn/layers/conv.h>
#include <ocellus/nn/layers/dense.h>
#include <ocellus/nn/layers/flatten.h>
#include <ocellus/nn/layers/max_pool.h>
#include <ocellus/nn/layers/pad.h>
#include <ocellus/nn/layers/radial_basis.h>
#include <ocellus/nn/layers/subsample2d.h>
#include <ocellus/nn/layers/table_conv2d.h>

#include "zoo/support/choose.h"

namespace ocellus::zoo {
namespace {

struct Filters {
  int64_t first, second;
  Padding padding;
};

/// Two convolutions with pooling, three dense layers: what both modern forms are.
Model modern(std::string name, const ZooConfig& config, const Shape& input, const Filters& filters) {
  const auto conv = [](int64_t count, Padding padding) {
    return nn::Conv2D({.filters = count, .kernel = 5, .padding = padding, .activation = relu,
                       .kernel_initialiser = nn::he_uniform()});
  };
  const auto dense = [](int64_t units) {
    return nn::Dense({.units = units, .activation = relu, .kernel_initialiser = nn::he_uniform()});
  };
  const Value x = nn::input(input_or(config, input));
  Value y = conv(filters.first, filters.padding)(x);
  y = nn::MaxPool2D({.size = 2})(y);
  y = conv(filters.second, valid)(y);
  y = nn::MaxPool2D({.size = 2})(y);
  y = nn::Flatten()(y);
  y = dense(120)(y);
  y = dense(84)(y);
  y = nn::Dense({.units = classes_or(config, 10)})(y);
  return Model({x}, {y}, {.name = std::move(name), .seed = config.seed});
}

Model lenet5(const ZooConfig& config) { return modern("lenet5", config, {1, 28, 28}, {6, 16, same}); }

Model lenet5_notes(const ZooConfig& config) { return modern("lenet5-notes", config, {3, 32, 32}, {8, 16, valid}); }

Preset modern_preset() {
  return {.optimizer = optim::SGD({.lr = 0.02, .momentum = 0.9, .weight_decay = 5e-4}),
          .schedule = schedule::Cosine(),
          .batch = 64,
          .epochs = 10,
          .augment = {data::pad_and_crop({.pixels = 2})},
          .augment_text = "pad and crop by 2"};
}

/// Which of S2's maps each map of C3 sees (table I of the paper).
std::vector<std::vector<int64_t>> c3_table() {
  return {{0, 1, 2},    {1, 2, 3},    {2, 3, 4},    {3, 4, 5},    {0, 4, 5},    {0, 1, 5},    {0, 1, 2, 3},      {1, 2, 3, 4},
          {2, 3, 4, 5}, {0, 3, 4, 5}, {0, 1, 4, 5}, {0, 1, 2, 5}, {0, 1, 3, 4}, {1, 2, 4, 5}, {0, 2, 3, 5}, {0, 1, 2, 3, 4, 5}};
}

/// The output code: a drawing of each digit, 7 pixels wide and 12 high, as +1 (ink) and -1. The paper's drawings are of this
/// size; these are our own.
constexpr std::array<std::string_view, 10> drawings = {
    "......." "..###.." ".#...#." "#.....#" "#.....#" "#.....#" "#.....#" "#.....#" "#.....#" ".#...#." "..###.." ".......",
    "......." "...#..." "..##..." ".#.#..." "...#..." "...#..." "...#..." "...#..." "...#..." "...#..." ".#####." ".......",
    "......." ".####.." "#....#." "......#" "......#" ".....#." "....#.." "...#..." "..#...." ".#....." "#######" ".......",
    "......." ".#####." "......#" ".....#." "....#.." "..###.." ".....#." "......#" "......#" "#.....#" ".#####." ".......",
    "......." ".....#." "....##." "...#.#." "..#..#." ".#...#." "#....#." "#######" ".....#." ".....#." ".....#." ".......",
    "......." "#######" "#......" "#......" "######." "......#" "......#" "......#" "......#" "#....#." ".####.." ".......",
    "......." "...###." "..#...." ".#....." "#......" "#.###.." "##...#." "#.....#" "#.....#" ".#...#." "..###.." ".......",
    "......." "#######" "......#" ".....#." ".....#." "....#.." "....#.." "...#..." "...#..." "..#...." "..#...." ".......",
    "......." "..###.." ".#...#." "#.....#" ".#...#." "..###.." ".#...#." "#.....#" "#.....#" ".#...#." "..###.." ".......",
    "......." "..###.." ".#...#." "#.....#" "#.....#" ".#...##" "..###.#" "......#" ".....#." "....#.." ".###..." "......."};

Tensor output_code() {
  Tensor code(DType::f32, {10, 84});
  const auto values = code.as<float>();
  size_t i = 0;
  for (const std::string_view drawing : drawings)
    for (const char pixel : drawing) values[i++] = pixel == '#' ? 1.0f : -1.0f;
  return code;
}

/// The background's value after preprocessing; the paper scales images so that their mean is about 0 and their variance 1.
constexpr double background = -0.1;

Model lenet5_1998(const ZooConfig& config) {
  if (classes_or(config, 10) != 10) throw UsageError("lenet5-1998: its output code has the ten digits, no other classes");
  const auto conv = [](const char* name, int64_t filters) {
    return nn::Conv2D({.filters = filters, .kernel = 5, .activation = scaled_tanh,
                       .kernel_initialiser = nn::lecun_1998(), .name = name});
  };
  const Value x = nn::input(input_or(config, {1, 28, 28}));
  Value y = nn::Pad({.before = {0, 2, 2}, .after = {0, 2, 2}, .value = background, .name = "pad"})(x);
  y = conv("c1", 6)(y);
  y = nn::Subsample2D({.name = "s2"})(y);
  y = nn::TableConv2D({.table = c3_table(), .activation = scaled_tanh, .name = "c3"})(y);
  y = nn::Subsample2D({.name = "s4"})(y);
  y = nn::Flatten("flatten")(conv("c5", 120)(y));
  y = nn::Dense({.units = 84, .activation = scaled_tanh, .kernel_initialiser = nn::lecun_1998(), .name = "f6"})(y);
  y = nn::RadialBasis({.centres = output_code(), .name = "output"})(y);
  return Model({x}, {y}, {.name = "lenet5-1998", .seed = config.seed});
}

Preset preset_1998() {
  Preset preset = {.optimizer = optim::SGD({.lr = 0.01, .momentum = 0.9}),
                   .schedule = schedule::Cosine(),
                   .batch = 64,
                   .epochs = 20};
  const float ink = 1.175f, paper = static_cast<float>(background);
  preset.preprocess.std = {1 / (ink - paper)};
  preset.preprocess.mean = {-paper / (ink - paper)};
  return preset;
}

}  // namespace

std::span<const Entry> zoo_in_lenet() {
  static constexpr std::array entries = {
      Entry{"lenet5", "LeNet-5 with ReLU, max pooling and softmax, for 28x28 grey images: 61,706 parameters", lenet5,
            modern_preset},
      Entry{"lenet5-notes", "a LeNet-5 of 8 and 16 filters for 32x32 colour images: 62,958 parameters", lenet5_notes,
            modern_preset},
      Entry{"lenet5-1998", "LeNet-5 as published (LeCun et al. 1998): 60,000 parameters", lenet5_1998, preset_1998},
  };
  return entries;
}

}  // namespace ocellus::zoo
