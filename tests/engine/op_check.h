// op_check: what every operator must satisfy, checked for each row of a table.
//
// A family's test file lists cases (an operator built on some inputs) and instantiates the suite OpCheck with them; it lists
// calls that must be refused and instantiates BadCall. Nothing else is written per operator. From the same cases
// test_engine --mode=perf and --mode=support print tables of times and kernels (main.cpp).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <ocellus/base/rng.h>
#include <ocellus/graph/graph.h>

namespace ocellus::op_check {

/// Fills an input from a random sequence.
using Fill = std::function<void(Tensor&, Rng&)>;
Fill uniform(double low, double high);
/// Integers in [0, n), for class indices.
Fill below(int64_t n);
/// All different and at least 1/16 apart, so that no small step changes which is the largest.
Fill distinct();
/// Uniform with |x| in [0.1, 1]: away from a kink at 0.
Fill off_zero();
/// Positive, with sum 1 along dimension 1.
Fill distribution();

struct OpInput {
  Shape shape;
  Fill fill = uniform(-1, 1);
  DType dtype = DType::f32;
  bool batch = false;          ///< dimension 0 is the batch: may be unknown
  bool differentiable = true;  ///< the gradient is checked
};

/// An input whose dimension 0 is the batch, and one with fixed sizes (weights).
OpInput batch_of(Shape shape, Fill fill = uniform(-1, 1));
OpInput fixed(Shape shape, Fill fill = uniform(-1, 1));
/// The same, not differentiated.
OpInput still(OpInput input);

using BuildFn = std::function<Values(const Values& inputs)>;

struct OpCase {
  std::string name;
  BuildFn build;
  std::vector<OpInput> inputs;
  std::vector<size_t> losses = {0};  ///< outputs through which gradients flow
  double tolerance = 1e-5;           ///< of backends, relative to the largest element
  double gradient_tolerance = 1e-6;  ///< of central differences in double
  double bf16_tolerance = 3;         ///< of bf16, in bf16_roundoff: both factors of a product are rounded, and it
};

/// The most that rounding to bf16 changes a number, relative to it: 8 bits of significand, rounded to nearest.
inline constexpr double bf16_roundoff = 1.0 / 256;

/// A call that must throw a ShapeError, TypeError or UsageError with exactly this text.
struct Refused {
  std::string name;
  BuildFn build;
  std::vector<TensorType> inputs;
  std::string message;
};

/// A case's graph: inputs, the operator's outputs, a scalar loss over `losses`, and the gradients of the differentiable
/// inputs.
struct Built {
  Values inputs, outputs, wrt, gradients;
  Value loss;
  Graph with_gradients() const;  ///< outputs, then gradients
};
/// Builds a case for a batch of `batch`, of any size (any_dim), or as the case says (0).
Built build(const OpCase& c, int64_t batch = 0);
/// The case's inputs, filled.
std::vector<Tensor> filled(const OpCase& c, int64_t batch = 0);

/// sum(out * fixed random weights) over the outputs that count. For a batch not known yet there can be no weights: there it is
/// a squared error, which serves to build a gradient and no more.
Value loss_of(const Values& outputs, const std::vector<size_t>& losses);

bool same_bits(const Tensor& a, const Tensor& b);
/// Expects elements to differ by no more than `tolerance` times the largest of `expected` (or times 1 if that is smaller).
void expect_close(const Tensor& actual, const Tensor& expected, double tolerance, const std::string& what);
/// The largest difference relative to the largest finite element of `expected`; infinite if only one of two is NaN.
double relative_error(const Tensor& actual, const Tensor& expected);
/// What bf16 makes of a floating tensor, as f32; integers as they are.
Tensor in_bf16(const Tensor& t);

void PrintTo(const OpCase& c, std::ostream* out);
void PrintTo(const Refused& c, std::ostream* out);

}  // namespace ocellus::op_check

class OpCheck : public ::testing::TestWithParam<ocellus::op_check::OpCase> {};
class BadCall : public ::testing::TestWithParam<ocellus::op_check::Refused> {};

/// Runs a family's tables: `OP_CHECK(Conv, cases(), refused())`.
#define OP_CHECK(family, cases, refused)                                                                             \
  INSTANTIATE_TEST_SUITE_P(family, OpCheck, ::testing::ValuesIn(cases), [](const auto& i) { return i.param.name; }); \
  INSTANTIATE_TEST_SUITE_P(family, BadCall, ::testing::ValuesIn(refused), [](const auto& i) { return i.param.name; })
