// A loss of one's own: a function that gives the value, in named parts, and the gradient together.
#include <iostream>

#include <ocellus/ocellus.h>

using namespace ocellus;

/// A hinge loss for several classes (Weston & Watkins 1999): each wrong class should score at least 1 below the right one.
/// A second part keeps scores small. Both are means over the batch.
std::vector<LossPart> hinge(const Tensor& scores, std::span<const Tensor> aux, Tensor& gradient) {
  const int64_t count = scores.shape()[0], classes = scores.shape()[1];
  const std::span<const float> s = scores.as<float>();
  const std::span<const int32_t> labels = aux[0].as<int32_t>();
  const std::span<float> g = gradient.as<float>();  // zero so far
  const float share = 1.0f / static_cast<float>(count), decay = 0.01f;
  double margin = 0, size = 0;
  for (int64_t n = 0; n < count; ++n) {
    const size_t row = static_cast<size_t>(n * classes), right = row + static_cast<size_t>(labels[n]);
    for (size_t i = row; i < row + static_cast<size_t>(classes); ++i) {
      size += decay * s[i] * s[i] * share;
      g[i] += 2 * decay * s[i] * share;
      const float excess = 1 + s[i] - s[right];
      if (i == right || excess <= 0) continue;
      margin += excess * share;
      g[i] += share;
      g[right] -= share;
    }
  }
  return {{"margin", margin}, {"size", size}};
}

int main() {
  const Loss loss = loss::custom({.loss = {.name = "hinge", .parts = {"margin", "size"}, .fn = hinge},
                                  .target = [](const TensorType& scores, DType) {
                                    return TensorType{DType::i32, {scores.shape[0]}};  // a class for each sample
                                  }});
  Model model = zoo::create("lenet5");
  model.compile({.optimizer = optim::Adam(), .loss = loss, .metrics = {metric::accuracy()}});
  model.fit(data::digits({.count = 10000}), {.epochs = 2, .batch = 50});

  const double accuracy = *find(model.evaluate(data::digits({.split = Split::test, .count = 2000})), "accuracy");
  std::cout << "accuracy with a hinge loss: " << accuracy << "\n";
  return accuracy > 0.8 ? 0 : 1;
}
