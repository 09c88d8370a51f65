#include <gtest/gtest.h>

#include <cmath>

#include <ocellus/nn/initialiser.h>

namespace ocellus::nn {
namespace {

struct Moments {
  double mean = 0, deviation = 0, largest = 0;
};

Moments moments(const Initialiser& fill, const Shape& shape) {
  Tensor t(DType::f32, shape);
  Rng rng(11);
  fill(t, rng);
  Moments m;
  double squares = 0;
  for (const float x : t.as<float>()) {
    m.mean += x;
    squares += static_cast<double>(x) * x;
    m.largest = std::max(m.largest, std::abs(static_cast<double>(x)));
  }
  const auto n = static_cast<double>(t.numel());
  m.mean /= n;
  m.deviation = std::sqrt(squares / n - m.mean * m.mean);
  return m;
}

TEST(Initialiser, fans_count_the_window) {
  EXPECT_EQ(fans({64, 32, 3, 5}).in, 32 * 15);
  EXPECT_EQ(fans({64, 32, 3, 5}).out, 64 * 15);
  EXPECT_EQ(fans({10, 84}).in, 84);
  EXPECT_EQ(fans({10, 84}).out, 10);
}

TEST(Initialiser, spreads_as_the_papers_say) {
  const Shape kernel = {64, 32, 3, 3};
  const double in = 32 * 9, out = 64 * 9;
  const std::pair<Initialiser, double> normals[] = {{glorot_normal(), std::sqrt(2 / (in + out))},
                                                    {he_normal(), std::sqrt(2 / in)},
                                                    {normal({.mean = 0, .deviation = 0.01f}), 0.01}};
  for (const auto& [fill, deviation] : normals) {
    const Moments m = moments(fill, kernel);
    EXPECT_NEAR(m.mean, 0, 0.05 * deviation);
    EXPECT_NEAR(m.deviation, deviation, 0.03 * deviation);
  }
  const std::pair<Initialiser, double> uniforms[] = {{glorot_uniform(), std::sqrt(6 / (in + out))},
                                                     {he_uniform(), std::sqrt(6 / in)},
                                                     {lecun_1998(), 2.4 / in},
                                                     {uniform({.low = -0.2f, .high = 0.2f}), 0.2}};
  for (const auto& [fill, limit] : uniforms) {
    const Moments m = moments(fill, kernel);
    EXPECT_LE(m.largest, limit * 1.0001);
    EXPECT_GT(m.largest, 0.99 * limit);
    EXPECT_NEAR(m.deviation, limit / std::sqrt(3), 0.03 * limit);
  }
}

/// The products of the rows of [rows,columns], or of its columns, with each other.
void expect_orthogonal(const Shape& shape, bool by_rows, double square) {
  Tensor t(DType::f32, shape);
  Rng rng(11);
  orthogonal(static_cast<float>(std::sqrt(square)))(t, rng);
  const auto v = t.as<float>();
  const auto rows = static_cast<size_t>(shape[0]), columns = v.size() / rows;
  const size_t count = by_rows ? rows : columns, length = v.size() / count;
  const auto at = [&](size_t i, size_t j) { return double(by_rows ? v[i * columns + j] : v[j * columns + i]); };
  for (size_t a = 0; a < count; ++a)
    for (size_t b = 0; b < count; ++b) {
      double product = 0;
      for (size_t j = 0; j < length; ++j) product += at(a, j) * at(b, j);
      EXPECT_NEAR(product, a == b ? square : 0, 1e-5) << a << " " << b;
    }
}

TEST(Initialiser, orthogonal_directions) {
  expect_orthogonal({12, 3}, false, 1);
  expect_orthogonal({4, 4}, true, 1);
  expect_orthogonal({5, 2, 3, 3}, true, 4);
}

TEST(Initialiser, constants) {
  EXPECT_EQ(moments(zeros(), {5}).largest, 0);
  EXPECT_EQ(moments(ones(), {5}).mean, 1);
}

}  // namespace
}  // namespace ocellus::nn
