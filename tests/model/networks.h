// Small networks and data for tests of models.
#pragma once

#include <ocellus/data/dataset.h>
#include <ocellus/model/model.h>
#include <ocellus/nn/layers/add.h>
#include <ocellus/nn/layers/batch_norm.h>
#include <ocellus/nn/layers/conv.h>
#include <ocellus/nn/layers/dense.h>
#include <ocellus/nn/layers/dropout.h>
#include <ocellus/nn/layers/flatten.h>
#include <ocellus/nn/layers/max_pool.h>

namespace ocellus::testing_models {

/// Convolution, batch norm, residual sum, pooling, dropout, dense: one of each kind of state.
inline Model small_network(uint64_t seed = 1) {
  const Value x = nn::input({1, 8, 8});
  const Value a = nn::Conv2D({.filters = 4, .padding = same, .activation = relu})(x);
  Value y = nn::Conv2D({.filters = 4, .padding = same, .use_bias = false, .name = "block/conv"})(a);
  y = nn::BatchNorm({.momentum = 0.9, .name = "block/norm"})(y);
  y = nn::Add({.activation = relu, .name = "block/add"})({y, a});
  y = nn::MaxPool2D()(y);
  y = nn::Dropout({.rate = 0.2})(nn::Flatten()(y));
  y = nn::Dense({.units = 3})(y);
  return Model({x}, {y}, {.name = "small", .seed = seed});
}

/// Three classes of noisy 8x8 images: a bright row, a bright column, a bright diagonal.
inline data::InMemory stripes(int64_t count, uint64_t seed = 1) {
  Tensor inputs(DType::f32, {count, 1, 8, 8}), targets(DType::i32, {count});
  Rng rng(seed);
  for (int64_t i = 0; i < count; ++i) {
    const auto kind = static_cast<int32_t>(rng.below(3));
    const auto at = static_cast<int64_t>(rng.below(8));
    targets.as<int32_t>()[static_cast<size_t>(i)] = kind;
    Tensor image = inputs.rows(i, i + 1);
    const auto pixels = image.as<float>();
    for (float& p : pixels) p = 0.3f * rng.normal();
    for (int64_t k = 0; k < 8; ++k) {
      const int64_t row = kind == 0 ? at : k, column = kind == 1 ? at : (kind == 2 ? (k + at) % 8 : k);
      pixels[static_cast<size_t>(row * 8 + column)] += 1;
    }
  }
  return data::InMemory({.inputs = inputs, .targets = targets, .classes = {"row", "column", "diagonal"}, .name = "stripes"});
}

inline CompileConfig how(Handle<optim::Optimizer> optimizer = optim::SGD({.lr = 0.05, .momentum = 0.9})) {
  return {.optimizer = std::move(optimizer), .loss = loss::softmax_cross_entropy(), .metrics = {metric::accuracy()}};
}

/// All weights, one after the other.
inline std::vector<float> weights(const Model& model) {
  std::vector<float> all;
  for (const ParameterPtr& p : model.parameters()) {
    const Tensor value = p->value();
    all.insert(all.end(), value.as<float>().begin(), value.as<float>().end());
  }
  return all;
}

}  // namespace ocellus::testing_models
