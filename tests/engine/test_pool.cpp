#include <cmath>
#include <limits>

#include <ocellus/engine/reference.h>
#include <ocellus/ops/pool.h>

#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;

BuildFn max_pool(ops::PoolConfig config) {
  return [=](const Values& in) {
    const Value y = ops::max_pool(in[0], config);
    return Values{y};
  };
}

BuildFn average_pool(ops::PoolConfig config) {
  return [=](const Values& in) { return Values{ops::average_pool(in[0], config)}; };
}

BuildFn global() {
  return [](const Values& in) { return Values{ops::global_average_pool(in[0])}; };
}

struct Named {
  std::string name;
  ops::PoolConfig config;
  Shape shape;
};

std::vector<Named> configs() {
  const Window by_kernel{.stride = {}};
  return {
      {"halves", {.kernel = {2}, .window = by_kernel}, {2, 3, 6, 4}},
      {"drops_the_rest", {.kernel = {2}, .window = by_kernel}, {2, 3, 7, 5}},
      {"ceil", {.kernel = {2}, .window = by_kernel, .ceil_mode = true}, {2, 3, 7, 5}},
      {"overlaps", {.kernel = {3}, .window = {.stride = {2}}}, {2, 16, 9, 9}},
      {"overlaps_ceil", {.kernel = {3}, .window = {.stride = {2}}, .ceil_mode = true}, {2, 3, 8, 8}},
      {"padded", {.kernel = {3}, .window = {.stride = {2}, .padding = Padding(1)}}, {2, 16, 8, 7}},
      {"padded_ceil",
       {.kernel = {3}, .window = {.stride = {2}, .padding = Padding(1)}, .ceil_mode = true},
       {2, 3, 8, 6}},
      {"same", {.kernel = {3}, .window = {.stride = {1}, .padding = same}}, {2, 3, 5, 6}},
      {"same_stride_2", {.kernel = {2}, .window = {.stride = {2}, .padding = same}}, {2, 3, 5, 7}},
      {"same_lower", {.kernel = {2}, .window = {.stride = {1}, .padding = same_lower}}, {2, 3, 5, 6}},
      {"one_side", {.kernel = {2, 3}, .window = {.stride = {1}, .padding = {{0, 1}, {1, 0}}}}, {2, 3, 5, 6}},
      {"dilated", {.kernel = {2}, .window = {.stride = {1}, .dilation = {2}}}, {2, 3, 5, 6}},
      {"whole_plane", {.kernel = {5, 6}, .window = by_kernel}, {2, 3, 5, 6}},
      {"one_dimension", {.kernel = {3}, .window = {.stride = {2}, .padding = Padding(1)}}, {2, 3, 9}},
      {"three_dimensions", {.kernel = {2}, .window = by_kernel, .ceil_mode = true}, {2, 3, 4, 5, 6}},
  };
}

std::vector<OpCase> max_cases() {
  std::vector<OpCase> cases;
  for (const Named& n : configs()) cases.push_back({n.name, max_pool(n.config), {batch_of(n.shape, distinct())}});
  return cases;
}

std::vector<OpCase> average_cases() {
  std::vector<OpCase> cases;
  for (Named n : configs()) {
    cases.push_back({n.name, average_pool(n.config), {batch_of(n.shape)}});
    n.config.count_include_pad = true;
    cases.push_back({n.name + "_counting_padding", average_pool(n.config), {batch_of(n.shape)}});
  }
  cases.push_back({"global", global(), {batch_of({2, 5, 3, 4})}});
  cases.push_back({"global_one_dimension", global(), {batch_of({2, 5, 7})}});
  cases.push_back({"global_three_dimensions", global(), {batch_of({2, 17, 2, 3, 4})}});
  return cases;
}

TensorType f32(Shape shape) { return {DType::f32, shape}; }

std::vector<Refused> max_refused() {
  return {
      {"too_large",
       max_pool({.kernel = {3}}),
       {f32({1, 2, 2, 5})},
       "[max_pool] kernel [3,3] with dilation [1,1] does not fit into input [2,5] with padding [0,0] and [0,0]"},
      {"padding_alone",
       max_pool({.kernel = {2}, .window = {.padding = Padding(2)}}),
       {f32({1, 2, 4, 4})},
       "[max_pool] kernel [2,2] would see nothing but padding [2,2] and [2,2] around input [4,4]"},
      {"gaps_over_the_input",
       max_pool({.kernel = {2}, .window = {.dilation = {5}, .padding = Padding(2)}}),
       {f32({1, 2, 3})},
       "[max_pool] kernel [2] would see nothing but padding [2] and [2] around input [3]"},
      {"no_kernel", max_pool({}), {f32({1, 2, 4, 4})}, "[max_pool] kernel [] has 0 elements for 2 spatial dimensions"},
      {"rank_of_kernel",
       max_pool({.kernel = {2, 2, 2}}),
       {f32({1, 2, 4, 4})},
       "[max_pool] kernel [2,2,2] has 3 elements for 2 spatial dimensions"},
      {"matrix",
       max_pool({.kernel = {2}}),
       {f32({4, 4})},
       "[max_pool] input must be [N,C] and 1 to 3 spatial dimensions, got [4,4]"},
      {"integers",
       max_pool({.kernel = {2}}),
       {{DType::i32, {1, 2, 4, 4}}},
       "[max_pool] input must be floating-point, got i32[1,2,4,4]"},
  };
}

std::vector<Refused> average_refused() {
  return {
      {"kernel_0",
       average_pool({.kernel = {0}}),
       {f32({1, 2, 4, 4})},
       "[average_pool] kernel [0,0] must be at least 1"},
      {"global_matrix",
       global(),
       {f32({4, 4})},
       "[global_average_pool] input must be [N,C] and 1 to 3 spatial dimensions, got [4,4]"},
      {"global_empty", global(), {f32({1, 2, 0, 4})}, "[global_average_pool] input [1,2,0,4] has no spatial positions"},
  };
}

OP_CHECK(MaxPool, max_cases(), max_refused());
OP_CHECK(AveragePool, average_cases(), average_refused());

std::vector<Tensor> run(const Values& outputs, const Value& x, const Tensor& value) {
  Graph graph;
  graph.inputs = {x};
  graph.outputs = outputs;
  return evaluate(graph, std::vector<Tensor>{value});
}

TEST(MaxPoolValues, TiesGoToTheFirst) {
  const Value x = input("x", {DType::f32, {1, 1, 2, 4}});
  const Value y = ops::max_pool(x, {.kernel = {2}, .window = {.stride = {2}}});
  const Tensor value = Tensor::of<float>({1, 1, 2, 4}, {1, 5, 2, 2, 5, 5, 2, 2});
  const auto outputs = run({y, Value(y.node_ptr(), 1)}, x, value);
  EXPECT_EQ(outputs[0].at(0), 5);
  EXPECT_EQ(outputs[1].at(0), 1);
  EXPECT_EQ(outputs[1].at(1), 2);
}

TEST(MaxPoolValues, KeepsInfinitiesAndNaN) {
  constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const Value x = input("x", {DType::f32, {1, 1, 4}});
  const Value y = ops::max_pool(x, {.kernel = {2}, .window = {.stride = {2}}});
  const auto outputs = run({y, Value(y.node_ptr(), 1)}, x, Tensor::of<float>({1, 1, 4}, {-inf, -inf, nan, 3}));
  EXPECT_EQ(outputs[0].at(0), -inf);
  EXPECT_EQ(outputs[1].at(0), 0);
  EXPECT_TRUE(std::isnan(outputs[0].at(1)));
}

// One row of five ones, kernel 3, stride 2, padding 1 on both sides, a last window hanging over the padding by one.
TEST(AveragePoolValues, DivisorCountsWhatItShould) {
  const Value x = input("x", {DType::f32, {1, 1, 6}});
  const Tensor ones = Tensor::full(DType::f32, {1, 1, 6}, 1);
  ops::PoolConfig config{.kernel = {3}, .window = {.stride = {2}, .padding = Padding(1)}, .ceil_mode = true};
  const Tensor plain = run({ops::average_pool(x, config)}, x, ones)[0];
  ASSERT_EQ(plain.numel(), 4);
  for (int64_t i = 0; i < 4; ++i) EXPECT_EQ(plain.at(i), 1);
  config.count_include_pad = true;
  const Tensor counted = run({ops::average_pool(x, config)}, x, ones)[0];
  EXPECT_FLOAT_EQ(counted.at(0), 2.0f / 3);  // padding, 1, 1
  EXPECT_FLOAT_EQ(counted.at(1), 1);
  EXPECT_FLOAT_EQ(counted.at(2), 1);
  EXPECT_FLOAT_EQ(counted.at(3), 1.0f / 2);  // 1, padding; what lies beyond counts nothing
}

}  // namespace
}  // namespace ocellus
