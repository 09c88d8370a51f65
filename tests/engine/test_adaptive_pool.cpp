#include <limits>

#include <ocellus/ops/pool.h>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;
using testing::ElementsAre;

BuildFn average(std::vector<int64_t> size) {
  return [=](const Values& in) { return Values{ops::adaptive_average_pool(in[0], size)}; };
}

BuildFn largest(std::vector<int64_t> size) {
  return [=](const Values& in) { return Values{ops::adaptive_max_pool(in[0], size)}; };
}

struct Named {
  std::string name;
  std::vector<int64_t> size;
  Shape shape;
};

std::vector<Named> sizes() {
  return {
      {"halves", {3, 2}, {2, 16, 6, 4}},
      {"overlaps_evenly", {3}, {2, 3, 7, 7}},
      {"unevenly", {3, 4}, {2, 17, 8, 7}},
      {"one", {1}, {2, 5, 4, 3}},
      {"unchanged", {4, 3}, {2, 5, 4, 3}},
      {"more_bins_than_elements", {5, 4}, {2, 3, 2, 3}},
      {"one_dimension", {4}, {2, 3, 10}},
      {"three_dimensions", {2, 3, 2}, {2, 3, 4, 5, 4}},
      {"three_dimensions_to_one", {1}, {2, 3, 4, 5, 4}},
  };
}

std::vector<OpCase> average_cases() {
  std::vector<OpCase> cases;
  for (const Named& n : sizes()) cases.push_back({n.name, average(n.size), {batch_of(n.shape)}});
  return cases;
}

std::vector<OpCase> max_cases() {
  std::vector<OpCase> cases;
  for (const Named& n : sizes()) cases.push_back({n.name, largest(n.size), {batch_of(n.shape, distinct())}});
  cases.push_back({"global",
                   [](const Values& in) { return Values{ops::global_max_pool(in[0])}; },
                   {batch_of({2, 17, 5, 3}, distinct())}});
  const Fill one_peak = [](Tensor& t, Rng& rng) {
    uniform(-1, 1)(t, rng);
    const auto v = t.as<float>();
    for (size_t plane = 0; plane < 2; ++plane) v[plane * 576 + 300 + plane * 200] = 2;
  };
  cases.push_back({"global_of_many_positions",
                   [](const Values& in) { return Values{ops::global_max_pool(in[0])}; },
                   {batch_of({1, 2, 4, 24, 6}, one_peak)}});
  return cases;
}

TensorType f32(Shape shape) { return {DType::f32, shape}; }

std::vector<Refused> average_refused() {
  return {
      {"rank",
       average({2, 2, 2}),
       {f32({1, 3, 4, 4})},
       "[adaptive_average_pool] size [2,2,2] has 3 elements for 2 spatial dimensions"},
      {"size_0", average({2, 0}), {f32({1, 3, 4, 4})}, "[adaptive_average_pool] size [2,0] must be at least 1"},
      {"matrix",
       average({2}),
       {f32({4, 4})},
       "[adaptive_average_pool] input must be [N,C] and 1 to 3 spatial dimensions, got [4,4]"},
      {"empty", average({2}), {f32({1, 3, 4, 0})}, "[adaptive_average_pool] input [1,3,4,0] has no spatial positions"},
  };
}

std::vector<Refused> max_refused() {
  return {
      {"integers",
       largest({2}),
       {{DType::u8, {1, 3, 4, 4}}},
       "[adaptive_max_pool] input must be floating-point, got u8[1,3,4,4]"},
      {"positions",
       [](const Values& in) {
         AdaptiveMaxPoolBackward op;
         op.input = {4};
         return Values{apply(op, in)};
       },
       {f32({1, 3, 2}), {DType::i32, {1, 3, 3}}},
       "[adaptive_max_pool_backward] positions must be [1,3,2], got [1,3,3]"},
  };
}

OP_CHECK(AdaptiveAveragePool, average_cases(), average_refused());
OP_CHECK(AdaptiveMaxPool, max_cases(), max_refused());

// Of 5 elements three bins are [0,2), [1,4) and [3,5).
TEST(AdaptivePoolValues, BinsAreThoseOfPyTorch) {
  const Value x = real({1, 1, 5}, {1, 2, 6, 4, 8});
  EXPECT_THAT(numbers(ops::adaptive_average_pool(x, {3})), ElementsAre(1.5, 4, 6));
  EXPECT_THAT(numbers(ops::adaptive_max_pool(x, {3})), ElementsAre(2, 6, 8));
}

TEST(AdaptivePoolValues, TiesGoToTheFirstAndNaNWins) {
  const auto positions = [](const std::vector<float>& values) {
    const Value x = real({1, 1, static_cast<int64_t>(values.size())}, values);
    return numbers(Value(ops::adaptive_max_pool(x, {2}).node_ptr(), 1));
  };
  EXPECT_THAT(positions({5, 5, 1, 1}), ElementsAre(0, 2));
  EXPECT_THAT(positions({5, std::numeric_limits<float>::quiet_NaN(), -1, -2}), ElementsAre(1, 2));
}

TEST(AdaptivePoolValues, GlobalMaximumIsThatOfThePlane) {
  const Value x = real({1, 2, 2, 2}, {1, 4, 3, 2, -1, -4, -3, -2});
  EXPECT_THAT(numbers(ops::global_max_pool(x)), ElementsAre(4, -1));
}

}  // namespace
}  // namespace ocellus
