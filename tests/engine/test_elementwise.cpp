#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>

#include <limits>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

using testing::ElementsAre;

TEST(Binary, BroadcastsAsNumpyDoes) {
  const Value a = real({2, 3}, {1, 2, 3, 4, 5, 6}), row = real({3}, {10, 20, 30}), column = real({2, 1}, {100, 200});
  EXPECT_THAT(numbers(ops::add(a, row)), ElementsAre(11, 22, 33, 14, 25, 36));
  EXPECT_THAT(numbers(ops::sub(column, a)), ElementsAre(99, 98, 97, 196, 195, 194));
  EXPECT_THAT(numbers(ops::mul(row, column)), ElementsAre(1000, 2000, 3000, 2000, 4000, 6000));
  EXPECT_THAT(numbers(ops::div(a, real({}, {2}))), ElementsAre(.5, 1, 1.5, 2, 2.5, 3));
  EXPECT_EQ(ops::add(real({2, 1, 2}, {1, 2, 3, 4}), real({3, 1}, {0, 0, 0})).shape(), (Shape{2, 3, 2}));
}

TEST(Binary, ExtremaPassNanThrough) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const float bad = std::numeric_limits<float>::quiet_NaN();
  const Value a = real({3}, {1, bad, 5}), b = real({3}, {2, 0, bad});
  EXPECT_THAT(numbers(ops::max(a, b)), near({2, nan, nan}));
  EXPECT_THAT(numbers(ops::min(a, b)), near({1, nan, nan}));
}

TEST(Binary, AppliesItsActivation) {
  Binary op;
  op.kind = BinaryKind::sub;
  op.activation = relu;
  const Value a = real({3}, {1, 2, 3}), b = real({3}, {3, 1, 1});
  const Value y = apply(op, {a, b});
  EXPECT_THAT(numbers(y), ElementsAre(0, 1, 2));
  EXPECT_THAT(gradient_of(ops::reduce_sum(y), a), ElementsAre(0, 1, 1));
  EXPECT_THAT(gradient_of(ops::reduce_sum(y), b), ElementsAre(0, -1, -1));
}

TEST(Binary, AQuotientsGradientDoesNotComeFromTheActivatedOutput) {
  Binary op;
  op.kind = BinaryKind::div;
  op.activation = leaky_relu(0.5);
  const Value a = real({2}, {-6, 6}), b = real({2}, {2, 2});
  EXPECT_THAT(gradient_of(ops::reduce_sum(apply(op, {a, b})), b), near({0.75, -1.5}));
}

TEST(Binary, GradientOfABroadcastInputIsASum) {
  const Value a = real({2, 3}, {1, 2, 3, 4, 5, 6}), row = real({3}, {1, 1, 2}), scalar = real({}, {3});
  const Value loss = ops::reduce_sum(ops::mul(ops::mul(a, row), scalar));
  EXPECT_THAT(gradient_of(loss, row), ElementsAre(15, 21, 27));
  EXPECT_THAT(gradient_of(loss, scalar), ElementsAre(30));
  EXPECT_THAT(gradient_of(loss, a), ElementsAre(3, 3, 6, 3, 3, 6));
}

TEST(Binary, ExtremaShareTheGradientAtTies) {
  const Value a = real({4}, {1, 2, 3, 4}), b = real({4}, {2, 2, 2, 4});
  EXPECT_THAT(gradient_of(ops::reduce_sum(ops::max(a, b)), a), ElementsAre(0, .5, 1, .5));
  EXPECT_THAT(gradient_of(ops::reduce_sum(ops::max(a, b)), b), ElementsAre(1, .5, 0, .5));
  EXPECT_THAT(gradient_of(ops::reduce_sum(ops::min(a, b)), a), ElementsAre(1, .5, 0, .5));
  const Value scalar = real({}, {2});
  EXPECT_THAT(gradient_of(ops::reduce_sum(ops::max(a, scalar)), scalar), ElementsAre(1.5));
}

TEST(Binary, AnUnknownBatchFitsItselfAndOne) {
  const Value x = open_batch({3});
  EXPECT_EQ(ops::add(x, open_batch({3})).shape(), (Shape{any_dim, 3}));
  EXPECT_EQ(ops::add(x, real({1, 3}, {0, 0, 0})).shape(), (Shape{any_dim, 3}));
  EXPECT_EQ(ops::add(real({3}, {0, 0, 0}), x).shape(), (Shape{any_dim, 3}));
  EXPECT_MESSAGE(ops::add(x, real({2, 3}, {0, 0, 0, 0, 0, 0})), ShapeError,
                 "[binary] inputs [N,3] and [2,3] can't be broadcast: dimension 0 is N and 2");
  EXPECT_MESSAGE(ops::add(open_batch({}), real({2, 1}, {0, 0})), ShapeError,
                 "[binary] inputs [N] and [2,1] can't be broadcast: dimension 1 is N and 1");
}

TEST(Binary, RefusesWhatDoesNotFit) {
  const Value a = real({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_MESSAGE(ops::add(a, real({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8})), ShapeError,
                 "[binary] inputs [2,3] and [2,4] can't be broadcast: dimension 1 is 3 and 4");
  EXPECT_MESSAGE(ops::mul(a, real({2}, {1, 2})), ShapeError,
                 "[binary] inputs [2,3] and [2] can't be broadcast: dimension 1 is 3 and 2");
  EXPECT_MESSAGE(ops::add(a, ints({3}, {1, 2, 3})), TypeError, "[binary] takes floating inputs, got i32[3]");
  EXPECT_MESSAGE(apply(Binary(), {a}), ShapeError, "[binary] takes 2 inputs, got 1");
}

TEST(Affine, ScalesAndShifts) {
  const Value x = real({3}, {1, 2, 3});
  EXPECT_THAT(numbers(ops::affine(x, 2, -1)), ElementsAre(1, 3, 5));
  EXPECT_THAT(gradient_of(ops::reduce_sum(ops::affine(x, 2, -1)), x), ElementsAre(2, 2, 2));
  EXPECT_EQ(ops::affine(open_batch({2}), 2).shape(), (Shape{any_dim, 2}));
  EXPECT_MESSAGE(ops::affine(ints({1}, {1}), 2), TypeError, "[affine] takes floating inputs, got i32[1]");
}

TEST(StopGradient, LetsNothingBack) {
  const Value x = real({2}, {3, 4});
  const Value y = ops::stop_gradient(x);
  EXPECT_THAT(numbers(y), ElementsAre(3, 4));
  EXPECT_THAT(gradient_of(ops::reduce_sum(ops::mul(x, y)), x), ElementsAre(3, 4));
  const std::array wrt = {x};
  EXPECT_FALSE(gradients(ops::reduce_sum(y), wrt)[0]);
  EXPECT_THAT(numbers(ops::stop_gradient(ints({2}, {5, 6}))), ElementsAre(5, 6));
}

/// What specialising shows to an operator of one input.
class OneInput final : public ModeCtx {
 public:
  OneInput(Mode mode, Value x) : mode_(mode), x_(std::move(x)) {}
  Mode mode() const override { return mode_; }
  bool learns() const override { return mode_ == Mode::train; }
  const Value& in(size_t) const override { return x_; }
  Value step() override { return step_; }
  void update(const Value&, const Value&) override { FAIL() << "dropout has no statistics"; }

 private:
  Mode mode_;
  Value x_, step_ = constant(Tensor(DType::i64, {}));
};

TEST(Dropout, IsAbsentInInferenceAndRandomInTraining) {
  const Value x = real({2}, {1, 2});
  const Value y = ops::dropout(x, 0.5, 7);
  EXPECT_THAT(numbers(y), ElementsAre(1, 2));
  OneInput inference(Mode::inference, x), train(Mode::train, x);
  EXPECT_EQ(y.node().op().for_mode(inference), Values{x});
  const std::optional<Values> training = y.node().op().for_mode(train);
  ASSERT_TRUE(training.has_value());
  const auto* op = training->front().node().as<DropoutTrain>();
  ASSERT_NE(op, nullptr);
  EXPECT_EQ(op->rate, 0.5);
  EXPECT_EQ(op->seed, 7);
  EXPECT_EQ(ops::dropout(x, 0, 7).node().op().for_mode(train), Values{x});
}

TEST(Dropout, RefusesARateThatIsNone) {
  const Value x = real({1}, {1});
  EXPECT_MESSAGE(ops::dropout(x, 1, 0), UsageError, "[dropout] rate 1 must be at least 0 and less than 1");
  EXPECT_MESSAGE(ops::dropout(x, -0.5, 0), UsageError, "[dropout] rate -0.5 must be at least 0 and less than 1");
  EXPECT_MESSAGE(apply(DropoutTrain(), {x, ints({}, {0})}), TypeError,
                 "[dropout_train] the step must be i64[], got i32[]");
}

Value dropped(const Value& x, double rate, int64_t seed, int64_t step) {
  DropoutTrain op;
  op.rate = rate;
  op.seed = seed;
  return apply(std::move(op), {x, constant(Tensor::of<int64_t>({}, {step}))});
}

TEST(DropoutTrain, KeepsByPhiloxOfSeedStepAndElement) {
  const Value ones = constant(Tensor::full(DType::f32, {3, 3}, 1));
  const std::vector<double> y = numbers(dropped(ones, 0.25, 42, 9));
  for (uint64_t i = 0; i < 9; ++i) {
    const bool stays = philox(42, i / 4, 9)[i % 4] >= 0x40000000u;
    EXPECT_NEAR(y[i], stays ? 4.0 / 3 : 0.0, 1e-6) << "element " << i;
  }
}

TEST(DropoutTrain, KeepsItsShareAndItsMean) {
  const int64_t n = 100000;
  const Value ones = constant(Tensor::full(DType::f32, {n}, 1));
  const std::vector<double> y = numbers(dropped(ones, 0.3, 1, 0));
  int64_t kept = 0;
  for (double v : y) kept += v != 0;
  EXPECT_NEAR(static_cast<double>(kept) / static_cast<double>(n), 0.7, 0.006);  // four standard deviations
  EXPECT_NE(y, numbers(dropped(ones, 0.3, 1, 1)));
  EXPECT_NE(y, numbers(dropped(ones, 0.3, 2, 0)));
  EXPECT_EQ(y, numbers(dropped(ones, 0.3, 1, 0)));
}

TEST(DropoutTrain, GradientGoesThroughTheSameMask) {
  const Value x = constant(Tensor::full(DType::f32, {50}, 2));
  const std::vector<double> y = numbers(dropped(x, 0.5, 3, 4));
  const std::vector<double> dx = gradient_of(ops::reduce_sum(dropped(x, 0.5, 3, 4)), x);
  for (size_t i = 0; i < y.size(); ++i) EXPECT_EQ(dx[i], y[i] / 2) << "element " << i;
  EXPECT_THAT(y, testing::Contains(0.0));
  EXPECT_THAT(y, testing::Contains(4.0));
}

/// One operator with each kind of broadcasting.
std::vector<op_check::OpCase> binary_cases() {
  using namespace op_check;
  struct Kind {
    BinaryKind kind;
    Fill divisor = uniform(-1, 1);
  };
  std::vector<OpCase> cases;
  for (const auto& [kind, fill] :
       {Kind{BinaryKind::add}, Kind{BinaryKind::sub}, Kind{BinaryKind::mul}, Kind{BinaryKind::div, uniform(0.5, 2)}}) {
    const BuildFn build = [kind = kind](const Values& in) { return Values{ops::binary(kind, in[0], in[1])}; };
    const std::string name(enum_names(kind)[static_cast<size_t>(kind)]);
    const OpInput x = batch_of({2, 3, 4, 5});
    cases.push_back({name, build, {x, batch_of({2, 3, 4, 5}, fill)}});
    cases.push_back({name + "_channels", build, {x, fixed({3, 1, 1}, fill)}});
    cases.push_back({name + "_row", build, {x, fixed({1, 1, 1, 5}, fill)}});
    cases.push_back({name + "_scalar", build, {x, fixed({}, fill)}});
    cases.push_back({name + "_sample", build, {x, batch_of({2, 1, 1, 1}, fill)}});
    // A divisor's gradient is a sum over its sample, whose rounded terms all but cancel.
    if (kind == BinaryKind::div) cases.back().bf16_tolerance = 8;
    cases.push_back({name + "_both_ways", build, {fixed({3, 1, 2}), fixed({4, 1}, fill)}});
    cases.push_back({name + "_first_small", build, {fixed({5}), batch_of({2, 5}, fill)}});
    cases.push_back({name + "_odd_channels", build, {batch_of({2, 17, 3, 3}), batch_of({2, 17, 3, 3}, fill)}});
    cases.push_back({name + "_same_value",
                     [kind = kind](const Values& in) { return Values{ops::binary(kind, in[0], in[0])}; },
                     {batch_of({2, 3}, fill)}});
  }
  return cases;
}

std::vector<op_check::OpCase> extremum_cases() {
  using namespace op_check;
  std::vector<OpCase> cases;
  for (const BinaryKind kind : {BinaryKind::max, BinaryKind::min}) {
    const BuildFn build = [=](const Values& in) { return Values{ops::binary(kind, in[0], in[1])}; };
    const std::string name(enum_names(kind)[static_cast<size_t>(kind)]);
    cases.push_back({name, build, {batch_of({3, 4, 5}, distinct()), batch_of({3, 4, 5}, uniform(-1.55, 1.55))}});
    cases.push_back({name + "_row", build, {fixed({3, 5}, off_zero()), fixed({5}, uniform(-0.05, 0.05))}});
    cases.push_back({name + "_scalar", build, {fixed({3, 5}, off_zero()), fixed({}, uniform(-0.05, 0.05))}});
  }
  return cases;
}

Value activated(BinaryKind kind, Activation activation, const Values& in) {
  Binary op;
  op.kind = kind;
  op.activation = activation;
  return apply(std::move(op), in);
}

std::vector<op_check::OpCase> other_cases() {
  using namespace op_check;
  const OpInput x = batch_of({2, 3, 4, 4});
  const auto with_activation = [](BinaryKind kind, Activation a) -> BuildFn {
    return [=](const Values& in) { return Values{activated(kind, a, in)}; };
  };
  return {
      {"add_relu",
       with_activation(BinaryKind::add, relu),
       {batch_of({2, 3, 4, 4}, off_zero()), batch_of({2, 3, 4, 4}, uniform(-0.05, 0.05))}},
      {"add_tanh_channels", with_activation(BinaryKind::add, tanh_), {x, fixed({3, 1, 1})}},
      {"div_sigmoid", with_activation(BinaryKind::div, sigmoid), {x, batch_of({2, 3, 4, 4}, uniform(0.5, 2))}},
      {"affine", [](const Values& in) { return Values{ops::affine(in[0], -2.5, 0.75)}; }, {x}},
      {"stop_gradient",
       [](const Values& in) { return Values{ops::mul(in[0], ops::stop_gradient(in[1]))}; },
       {x, still(x)}},
      {"dropout", [](const Values& in) { return Values{ops::dropout(in[0], 0.5, 3)}; }, {x}},
      {"dropout_train", [](const Values& in) { return Values{dropped(in[0], 0.4, 3, 8)}; }, {x}},
      {"dropout_train_odd", [](const Values& in) { return Values{dropped(in[0], 0.4, 3, 8)}; }, {batch_of({3, 7})}},
  };
}

INSTANTIATE_TEST_SUITE_P(Binary, OpCheck, testing::ValuesIn(binary_cases()),
                         [](const auto& i) { return i.param.name; });
INSTANTIATE_TEST_SUITE_P(Extremum, OpCheck, testing::ValuesIn(extremum_cases()),
                         [](const auto& i) { return i.param.name; });
INSTANTIATE_TEST_SUITE_P(Elementwise, OpCheck, testing::ValuesIn(other_cases()),
                         [](const auto& i) { return i.param.name; });

}  // namespace
}  // namespace ocellus
