// Values of small graphs made of constants: what tests compare with numbers worked out by hand.
#pragma once

#include <gmock/gmock.h>

#include <array>
#include <string>
#include <vector>

#include <ocellus/engine/reference.h>

namespace ocellus {

inline Value real(Shape shape, const std::vector<float>& values) { return constant(Tensor::of<float>(shape, values)); }
inline Value ints(Shape shape, const std::vector<int32_t>& values) {
  return constant(Tensor::of<int32_t>(shape, values));
}
/// A value whose batch is not known.
inline Value open_batch(std::vector<int64_t> sample, DType dtype = DType::f32) {
  sample.insert(sample.begin(), any_dim);
  return input("x", {dtype, Shape(std::span<const int64_t>(sample))});
}

inline std::vector<Tensor> evaluated(const Values& values, DType precision = DType::f32) {
  Graph graph;
  graph.outputs = values;
  return evaluate(graph, {}, precision);
}

inline std::vector<double> numbers(const Tensor& t) {
  std::vector<double> all;
  for (int64_t i = 0; i < t.numel(); ++i) all.push_back(t.at(i));
  return all;
}
inline std::vector<double> numbers(const Value& v, DType precision = DType::f32) {
  return numbers(evaluated({v}, precision)[0]);
}

/// Gradient of a scalar with respect to a value, as numbers.
inline std::vector<double> gradient_of(const Value& loss, const Value& x) {
  const std::array wrt = {x};
  return numbers(gradients(loss, wrt)[0]);
}

/// Matches numbers that differ by less than `tolerance`.
inline auto near(const std::vector<double>& expected, double tolerance = 1e-6) {
  std::vector<testing::Matcher<double>> each;
  for (double e : expected) each.push_back(testing::NanSensitiveDoubleNear(e, tolerance));
  return testing::ElementsAreArray(each);
}

/// Expects `statement` to throw E with exactly `message`.
#define EXPECT_MESSAGE(statement, E, message) \
  EXPECT_THAT([&] { statement; }, testing::ThrowsMessage<E>(testing::StrEq(message)))

}  // namespace ocellus
