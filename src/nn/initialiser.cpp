#include <ocellus/nn/initialiser.h>

#include <cmath>

namespace ocellus::nn {
namespace {

Initialiser symmetric_uniform(float (*limit)(const Fans&)) {
  return [limit](Tensor& t, Rng& rng) {
    const float l = limit(fans(t.shape()));
    for (float& x : t.as<float>()) x = rng.uniform(-l, l);
  };
}

Initialiser centred_normal(float (*deviation)(const Fans&)) {
  return [deviation](Tensor& t, Rng& rng) {
    const float d = deviation(fans(t.shape()));
    for (float& x : t.as<float>()) x = d * rng.normal();
  };
}

float root(double numerator, int64_t denominator) {
  return static_cast<float>(std::sqrt(numerator / static_cast<double>(denominator)));
}

}  // namespace

Fans fans(const Shape& kernel) {
  if (kernel.rank() < 2) return {kernel.numel(), kernel.numel()};
  const int64_t area = Shape(kernel.dims().subspan(2)).numel();
  return {kernel[1] * area, kernel[0] * area};
}

Initialiser glorot_uniform() {
  return symmetric_uniform([](const Fans& f) { return root(6, f.in + f.out); });
}

Initialiser glorot_normal() {
  return centred_normal([](const Fans& f) { return root(2, f.in + f.out); });
}

Initialiser he_uniform() {
  return symmetric_uniform([](const Fans& f) { return root(6, f.in); });
}

Initialiser he_normal() {
  return centred_normal([](const Fans& f) { return root(2, f.in); });
}

Initialiser lecun_1998() {
  return symmetric_uniform([](const Fans& f) { return 2.4f / static_cast<float>(f.in); });
}

Initialiser normal(NormalConfig config) {
  return [config](Tensor& t, Rng& rng) {
    for (float& x : t.as<float>()) x = config.mean + config.deviation * rng.normal();
  };
}

Initialiser uniform(UniformConfig config) {
  return [config](Tensor& t, Rng& rng) {
    for (float& x : t.as<float>()) x = rng.uniform(config.low, config.high);
  };
}

Initialiser constant(float value) {
  return [value](Tensor& t, Rng&) { t.fill(value); };
}

}  // namespace ocellus::nn
