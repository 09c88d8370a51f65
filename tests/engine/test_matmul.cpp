#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/matmul.h>
#include <ocellus/ops/reduce.h>

#include <cmath>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;
using testing::ElementsAre;

BuildFn product(ops::MatMulConfig config = {}) {
  return [=](const Values& in) { return Values{ops::matmul(in[0], in[1], config)}; };
}

BuildFn distances(DistanceKind kind) {
  return [=](const Values& in) { return Values{ops::pairwise_distance(in[0], in[1], kind)}; };
}

BuildFn paired(DistanceKind kind) {
  return [=](const Values& in) { return Values{ops::distance(in[0], in[1], kind)}; };
}

BuildFn gram(GramDivisor divisor) {
  return [=](const Values& in) { return Values{ops::gram(in[0], divisor)}; };
}

std::vector<OpCase> products() {
  const ops::MatMulConfig a{.transpose_a = true}, b{.transpose_b = true}, both{true, true};
  return {
      {"plain", product(), {batch_of({5, 7}), fixed({7, 3})}},
      {"a_transposed", product(a), {fixed({7, 5}), fixed({7, 3})}},
      {"b_transposed", product(b), {batch_of({5, 7}), fixed({3, 7})}},
      {"both_transposed", product(both), {fixed({7, 5}), fixed({3, 7})}},
      {"over_the_batch", product(a), {batch_of({6, 5}), batch_of({6, 3})}},
      {"stacks", product(), {batch_of({3, 4, 6}), batch_of({3, 6, 5})}},
      {"stacks_a_transposed", product(a), {batch_of({3, 6, 4}), batch_of({3, 6, 5})}},
      {"stacks_b_transposed", product(b), {batch_of({3, 4, 6}), batch_of({3, 5, 6})}},
      {"stacks_both_transposed", product(both), {batch_of({3, 6, 4}), batch_of({3, 5, 6})}},
      {"by_one_matrix", product(), {batch_of({3, 4, 6}), fixed({6, 5})}},
      {"by_one_matrix_transposed", product(b), {batch_of({3, 4, 6}), fixed({5, 6})}},
      {"one_by_many", product(), {fixed({4, 6}), batch_of({3, 6, 5})}},
      {"one_stack_by_many", product(a), {fixed({1, 6, 4}), batch_of({3, 6, 5})}},
      {"four_dimensions", product(), {batch_of({2, 3, 4, 6}), batch_of({2, 3, 6, 5})}},
      {"broadcast_both_ways", product(both), {batch_of({2, 1, 6, 4}), fixed({3, 5, 6})}},
      {"five_dimensions", product(), {batch_of({2, 2, 1, 3, 4}), fixed({3, 4, 2})}},
      {"row_by_column", product(), {batch_of({1, 9}), fixed({9, 1})}},
      {"column_by_row", product(), {batch_of({4, 1}), fixed({1, 6})}},
      {"larger", product(), {batch_of({33, 70}), fixed({70, 41})}},
      {"gram", gram(GramDivisor::none), {batch_of({2, 5, 3, 4})}},
      {"gram_by_positions", gram(GramDivisor::positions), {batch_of({2, 5, 3, 4})}},
      {"gram_by_elements", gram(GramDivisor::elements), {batch_of({2, 3, 7})}},
  };
}

std::vector<OpCase> distance_cases() {
  std::vector<OpCase> cases;
  for (const auto& [name, kind] : {std::pair<std::string, DistanceKind>{"squared_l2", DistanceKind::squared_l2},
                                   {"l2", DistanceKind::l2},
                                   {"l1", DistanceKind::l1},
                                   {"cosine", DistanceKind::cosine}}) {
    cases.push_back({name, distances(kind), {batch_of({4, 6}), fixed({5, 6})}});
    cases.push_back({name + "_batch", distances(kind), {batch_of({3, 4, 6}), batch_of({3, 2, 6})}});
    cases.push_back(
        {name + "_short", distances(kind), {batch_of({3, 2}, uniform(0.5, 1)), fixed({2, 2}, uniform(2, 3))}});
    cases.push_back({name + "_paired", paired(kind), {batch_of({5, 6}), batch_of({5, 6})}});
  }
  return cases;
}

TensorType f32(Shape shape) { return {DType::f32, shape}; }

std::vector<Refused> refused_products() {
  return {
      {"inner", product(), {f32({2, 3}), f32({4, 5})}, "[matmul] a [2,3] has 3 columns, b [4,5] has 4 rows"},
      {"inner_transposed",
       product({.transpose_a = true}),
       {f32({2, 3}), f32({3, 5})},
       "[matmul] a [2,3] transposed has 2 columns, b [3,5] has 3 rows"},
      {"vector", product(), {f32({3}), f32({3, 5})}, "[matmul] a must be a matrix or a stack of them, got f32[3]"},
      {"stacks",
       product(),
       {f32({2, 4, 3}), f32({3, 3, 5})},
       "[matmul] inputs [2] and [3] can't be broadcast: dimension 0 is 2 and 3"},
      {"integers", product(), {f32({2, 3}), {DType::i32, {3, 5}}}, "[matmul] b must be floating-point, got i32[3,5]"},
      {"batch_inside",
       product({.transpose_b = true}),
       {f32({2, 3}), f32({any_dim, 3})},
       "[matmul] the product of [2,3] and [N,3] transposed would have the batch, whose size is not known, in dimension "
       "1"},
      {"gram_of_a_matrix", gram(GramDivisor::none), {f32({2, 3})}, "[gram] features must be [N,C,...], got f32[2,3]"},
  };
}

std::vector<Refused> refused_distances() {
  return {
      {"lengths",
       distances(DistanceKind::l1),
       {f32({2, 3}), f32({2, 4})},
       "[pairwise_distance] rows of x [2,3] and y [2,4] differ in length"},
      {"ranks",
       distances(DistanceKind::l1),
       {f32({2, 3}), f32({1, 2, 3})},
       "[pairwise_distance] rows of x [2,3] and y [1,2,3] differ in length"},
      {"batches",
       distances(DistanceKind::l1),
       {f32({2, 4, 3}), f32({1, 2, 3})},
       "[pairwise_distance] x [2,4,3] and y [1,2,3] have different batches"},
      {"vector",
       distances(DistanceKind::l1),
       {f32({3}), f32({3})},
       "[pairwise_distance] x must be rows [N,D] or [B,N,D], got f32[3]"},
      {"unknown_rows",
       distances(DistanceKind::l1),
       {f32({2, 3}), f32({any_dim, 3})},
       "[pairwise_distance] the number of rows of y [N,3] must be known"},
      {"integers",
       distances(DistanceKind::l1),
       {f32({2, 3}), {DType::i32, {2, 3}}},
       "[pairwise_distance] y must be floating-point, got i32[2,3]"},
      {"pairs_of_two_shapes",
       paired(DistanceKind::l2),
       {f32({2, 3}), f32({1, 3})},
       "[distance] takes rows of one shape [N,D], got f32[2,3] and f32[1,3]"},
  };
}

OP_CHECK(MatMul, products(), refused_products());
OP_CHECK(PairwiseDistance, distance_cases(), refused_distances());

TEST(MatMul, MultipliesRowsByColumns) {
  const Value a = real({2, 3}, {1, 2, 3, 4, 5, 6}), b = real({3, 2}, {1, 0, 0, 1, 10, 100});
  EXPECT_THAT(numbers(ops::matmul(a, b)), ElementsAre(31, 302, 64, 605));
  EXPECT_THAT(numbers(ops::matmul(a, a, {.transpose_b = true})), ElementsAre(14, 32, 32, 77));
  EXPECT_THAT(numbers(ops::matmul(a, a, {.transpose_a = true})), ElementsAre(17, 22, 27, 22, 29, 36, 27, 36, 45));
  const Value stack = real({2, 2, 1}, {1, 2, 3, 4});
  EXPECT_THAT(numbers(ops::matmul(real({1, 2}, {10, 1}), stack)), ElementsAre(12, 34));
  EXPECT_EQ(ops::matmul(open_batch({4, 3}), b).shape(), (Shape{any_dim, 4, 2}));
}

// Channels (1, 2) and (3, -1) over two positions.
TEST(Gram, HoldsTheProductsOfChannels) {
  const Value x = real({1, 2, 1, 2}, {1, 2, 3, -1});
  EXPECT_THAT(numbers(ops::gram(x)), ElementsAre(5, 1, 1, 10));
  EXPECT_THAT(numbers(ops::gram(x, GramDivisor::positions)), ElementsAre(2.5, 0.5, 0.5, 5));
  EXPECT_THAT(numbers(ops::gram(x, GramDivisor::elements)), ElementsAre(1.25, 0.25, 0.25, 2.5));
}

TEST(PairwiseDistance, MeasuresEveryPair) {
  const Value x = real({2, 2}, {0, 0, 3, 4}), y = real({3, 2}, {3, 4, -3, -4, 0, 1});
  EXPECT_THAT(numbers(ops::pairwise_distance(x, y, DistanceKind::squared_l2)), ElementsAre(25, 25, 1, 0, 100, 18));
  EXPECT_THAT(numbers(ops::pairwise_distance(x, y, DistanceKind::l2)), near({5, 5, 1, 0, 10, std::sqrt(18.0)}));
  EXPECT_THAT(numbers(ops::pairwise_distance(x, y, DistanceKind::l1)), ElementsAre(7, 7, 1, 0, 14, 6));
  EXPECT_THAT(numbers(ops::pairwise_distance(x, y, DistanceKind::cosine)), near({1, 1, 1, 0, 2, 0.2}));
}

TEST(PairwiseDistance, EqualRowsAndRowsOfZerosHaveAGradientOfZero) {
  const Value x = real({2, 2}, {3, 4, 0, 0});
  for (const DistanceKind kind : {DistanceKind::l2, DistanceKind::l1}) {
    const Value y = real({1, 2}, {3, 4});
    const Value of_first = ops::reduce_sum(ops::mul(ops::pairwise_distance(x, y, kind), real({2, 1}, {1, 0})));
    EXPECT_THAT(gradient_of(of_first, x), ElementsAre(0, 0, 0, 0));
  }
  const Value cosine = ops::reduce_sum(ops::pairwise_distance(x, real({1, 2}, {1, 0}), DistanceKind::cosine));
  // 1 - 3/5 falls along x and rises across it: the gradient is -(16, -12) / 125.
  EXPECT_THAT(gradient_of(cosine, x), near({-16 / 125.0, 12 / 125.0, 0, 0}));
  const Value siamese = ops::reduce_sum(ops::distance(x, x, DistanceKind::l2));
  EXPECT_THAT(gradient_of(siamese, x), ElementsAre(0, 0, 0, 0));
}

}  // namespace
}  // namespace ocellus
