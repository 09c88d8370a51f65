#include <ocellus/nn/initialiser.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

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

/// Makes `count` vectors, given as rows, orthonormal from the first to the last (Gram & Schmidt, modified).
void orthonormalise(std::vector<double>& rows, size_t count) {
  const size_t n = rows.size() / count;
  const auto row = [&](size_t i) { return std::span(rows).subspan(i * n, n); };
  const auto product = [](auto a, auto b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); };
  for (size_t i = 0; i < count; ++i) {
    for (size_t k = 0; k < i; ++k) {
      const double share = product(row(i), row(k));
      for (size_t j = 0; j < n; ++j) row(i)[j] -= share * row(k)[j];
    }
    const double length = std::sqrt(product(row(i), row(i)));
    for (double& x : row(i)) x /= length;
  }
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

Initialiser orthogonal(float gain) {
  return [gain](Tensor& t, Rng& rng) {
    const auto values = t.as<float>();
    const auto rows = static_cast<size_t>(t.shape().rank() > 0 ? t.shape()[0] : 1);
    if (values.empty()) return;
    const size_t columns = values.size() / rows, count = std::min(rows, columns);
    std::vector<double> vectors(values.size());
    for (double& x : vectors) x = rng.normal();
    orthonormalise(vectors, count);
    for (size_t i = 0; i < rows; ++i)
      for (size_t j = 0; j < columns; ++j)
        values[i * columns + j] =
            gain * static_cast<float>(rows > columns ? vectors[j * rows + i] : vectors[i * columns + j]);
  };
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
