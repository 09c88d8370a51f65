#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/host.h>
#include <ocellus/ops/reduce.h>

#include "engine/evaluated.h"

namespace ocellus {
namespace {

using testing::ElementsAre;

HostSpec cube_spec(bool with_gradient) {
  HostSpec spec;
  spec.name = "cube";
  spec.infer = [](std::span<const TensorType> in) {
    if (in[0].shape.rank() != 1) throw ShapeError("takes a vector, got " + in[0].shape.to_string());
    return Types{in[0]};
  };
  spec.run = [](std::span<const Tensor> in, std::span<Tensor> out) {
    const auto x = in[0].as<float>();
    const auto y = out[0].as<float>();
    for (size_t i = 0; i < x.size(); ++i) y[i] = x[i] * x[i] * x[i];
  };
  if (with_gradient)
    spec.gradient = [](GradCtx& ctx) {
      return Values{ops::mul(ctx.dout(), ops::affine(ops::mul(ctx.in(0), ctx.in(0)), 3))};
    };
  return spec;
}

TEST(HostOp, RunsUserCodeInBothPrecisions) {
  const Value y = host_op(cube_spec(false), {real({2}, {2, 3})})[0];
  EXPECT_THAT(numbers(y), ElementsAre(8, 27));
  EXPECT_THAT(numbers(y, DType::f64), ElementsAre(8, 27));  // the code still sees the f32 that it was promised
}

TEST(HostOp, ItsGradientIsWhatTheUserSays) {
  const Value x = real({2}, {2, 3});
  EXPECT_THAT(gradient_of(ops::reduce_sum(host_op(cube_spec(true), {x})[0]), x), ElementsAre(12, 27));
  const std::array wrt = {x};
  EXPECT_FALSE(gradients(ops::reduce_sum(host_op(cube_spec(false), {x})[0]), wrt)[0]);
}

TEST(HostOp, ErrorsNameIt) {
  EXPECT_MESSAGE(host_op(cube_spec(false), {real({1, 1}, {1})}), ShapeError, "[host] cube: takes a vector, got [1,1]");
  EXPECT_MESSAGE(host_op({.name = "empty"}, {}), UsageError, "[host empty] needs a name, a shape rule and a function");
}

/// Two parts: the sum of the predictions weighted by aux, and twice their sum of squares.
std::vector<LossPart> two_parts(const Tensor& prediction, std::span<const Tensor> aux, Tensor& gradient) {
  const auto x = prediction.as<float>();
  const auto w = aux[0].as<float>();
  double linear = 0, square = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    linear += w[i] * x[i];
    square += 2 * x[i] * x[i];
    gradient.as<float>()[i] += w[i] + 4 * x[i];  // relies on a gradient that starts at zero
  }
  return {{"linear", linear}, {"square", square}};
}

TEST(HostLoss, GivesValuePartsAndGradient) {
  const Value x = real({2}, {1, 2}), w = real({2}, {10, 20});
  const Values y = host_loss({.name = "two", .parts = {"linear", "square"}, .fn = two_parts}, x, {w});
  for (DType precision : {DType::f32, DType::f64}) {
    EXPECT_THAT(numbers(y[0], precision), ElementsAre(60));
    EXPECT_THAT(numbers(y[1], precision), ElementsAre(50, 10));
  }
  EXPECT_THAT(gradient_of(y[0], x), ElementsAre(14, 28));
  EXPECT_THAT(gradient_of(ops::affine(y[0], 0.5), x), ElementsAre(7, 14));
  const std::array wrt = {w};
  EXPECT_FALSE(gradients(y[0], wrt)[0]);
}

TEST(HostLoss, APartMayBeThereForTheLogAlone) {
  const HostLossFn counts = [](const Tensor& prediction, std::span<const Tensor>, Tensor&) {
    return std::vector<LossPart>{{"first", prediction.at(0)}, {"count", 7, false}};
  };
  const Values y = host_loss({.name = "c", .parts = {"first", "count"}, .fn = counts}, real({2}, {3, 4}), {});
  EXPECT_THAT(numbers(y[0]), ElementsAre(3));
  EXPECT_THAT(numbers(y[1]), ElementsAre(3, 7));
}

TEST(HostLoss, AGradientPutInItsPlaceCounts) {
  const Value x = real({2}, {1, 2});
  const HostLossFn replaces = [](const Tensor& prediction, std::span<const Tensor>, Tensor& gradient) {
    gradient = prediction.clone();
    return std::vector<LossPart>{{"loss", 1}};
  };
  EXPECT_THAT(gradient_of(host_loss({.name = "r", .fn = replaces}, x, {})[0], x), ElementsAre(1, 2));
  const HostLossFn spoils = [](const Tensor&, std::span<const Tensor>, Tensor& gradient) {
    gradient = Tensor(DType::f32, {3});
    return std::vector<LossPart>{{"loss", 1}};
  };
  EXPECT_MESSAGE(numbers(host_loss({.name = "s", .fn = spoils}, x, {})[0]), UsageError,
                 "[host_loss s] replaced the gradient of f32[2] with f32[3]");
}

TEST(HostLoss, HoldsTheFunctionToItsParts) {
  const Value x = real({2}, {1, 2});
  const Values y = host_loss({.name = "two", .parts = {"linear", "cubic"}, .fn = two_parts}, x, {x});
  EXPECT_MESSAGE(evaluated(y), UsageError,
                 "[host_loss two] gave the parts [linear,square], declared are [linear,cubic]");
  EXPECT_MESSAGE(host_loss({.name = "none"}, x, {}), UsageError,
                 "[host_loss none] needs a name, the names of its parts and a function");
  EXPECT_MESSAGE(host_loss({.name = "two", .fn = two_parts}, ints({1}, {1}), {}), TypeError,
                 "[host_loss] two: the prediction must be f32, got i32[1]");
}

}  // namespace
}  // namespace ocellus
