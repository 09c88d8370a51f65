#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>

#include <ocellus/base/error.h>
#include <ocellus/base/rng.h>
#include <ocellus/base/threads.h>
#include <ocellus/train/optimizer.h>

namespace ocellus::optim {
namespace {

using testing::HasSubstr;

/// Parameters of several sizes with their gradients and state, as a model would keep them.
struct Parameters {
  explicit Parameters(const Optimizer& optimizer, std::vector<size_t> sizes, uint64_t seed = 1) {
    Rng rng(seed);
    for (const size_t n : sizes) {
      std::vector<float> p(n), g(n);
      for (float& v : p) v = rng.normal();
      for (float& v : g) v = rng.normal();
      param.push_back(p);
      grad.push_back(g);
      state.emplace_back(optimizer.slots().size(), std::vector<float>(n));
    }
  }
  std::vector<Slice> slices() {
    std::vector<Slice> all;
    for (size_t i = 0; i < param.size(); ++i) {
      Slice s{.param = param[i], .grad = grad[i]};
      for (size_t k = 0; k < state[i].size(); ++k) s.state[k] = state[i][k].data();
      all.push_back(s);
    }
    return all;
  }
  std::vector<std::vector<float>> param, grad;
  std::vector<std::vector<std::vector<float>>> state;
};

/// Runs one parameter through the given gradients and returns it after each step.
std::vector<float> trajectory(Optimizer& optimizer, float start, const std::vector<float>& grads, double lr) {
  std::vector<float> values, param = {start}, grad = {0};
  std::vector<std::vector<float>> state(optimizer.slots().size(), {0});
  for (size_t t = 0; t < grads.size(); ++t) {
    grad[0] = grads[t];
    Slice slice{.param = param, .grad = grad};
    for (size_t k = 0; k < state.size(); ++k) slice.state[k] = state[k].data();
    optimizer.begin_step(static_cast<int64_t>(t + 1), lr);
    optimizer.step({&slice, 1});
    values.push_back(param[0]);
  }
  return values;
}

void expect_near(const std::vector<float>& got, const std::vector<double>& wanted, double relative = 2e-6) {
  ASSERT_EQ(got.size(), wanted.size());
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], wanted[i], relative * std::abs(wanted[i])) << "step " << i;
}

// Worked out on paper from the update rules of PyTorch's documentation, w = 1 and g = 0.5, 0.5, -1.
TEST(Optimizer, SgdByHand) {
  SGD plain({.lr = 0.1});
  expect_near(trajectory(plain, 1, {0.5f, 0.5f, -1}, 0.1), {0.95, 0.90, 1.00});
  SGD momentum({.lr = 0.1, .momentum = 0.9});  // b = 0.5, 0.95, -0.145
  expect_near(trajectory(momentum, 1, {0.5f, 0.5f, -1}, 0.1), {0.95, 0.855, 0.8695});
  SGD nesterov({.lr = 0.1, .momentum = 0.9, .nesterov = true});  // g + 0.9 b = 0.95, 1.355, -1.1305
  expect_near(trajectory(nesterov, 1, {0.5f, 0.5f, -1}, 0.1), {0.905, 0.7695, 0.88255});
  SGD decay({.lr = 0.1, .weight_decay = 0.5});  // w - 0.1 (g + 0.5 w) = 0.95 w - 0.1 g
  expect_near(trajectory(decay, 1, {0.5f, 0.5f, -1}, 0.1), {0.90, 0.805, 0.86475});
}

// The first step of Adam moves by lr against the gradient's sign; AdamW first shrinks w.
TEST(Optimizer, AdamByHand) {
  Adam adam({.lr = 0.1});
  expect_near(trajectory(adam, 1, {0.5f, 0.5f}, 0.1), {0.9, 0.8});
  AdamW adamw({.lr = 0.1, .weight_decay = 0.1});  // 1 * 0.99 - 0.1, then 0.89 * 0.99 - 0.1
  expect_near(trajectory(adamw, 1, {0.5f, 0.5f}, 0.1), {0.89, 0.7811});
  // m = 0.05, -0.055; v = 0.25e-3, 1.24975e-3: step 2 is -0.1 * (-0.055 / 0.19) / sqrt(1.24975e-3 / 1.999e-3)
  expect_near(trajectory(adam, 1, {0.5f, -1}, 0.1), {0.9, 0.9 + 0.1 * (0.055 / 0.19) / std::sqrt(1.24975 / 1.999)});
}

// v = 0.0025 after the first step: g / sqrt(v) = 0.5 / 0.05 = 10.
TEST(Optimizer, RmsPropByHand) {
  RMSProp plain({.lr = 0.01});
  expect_near(trajectory(plain, 1, {0.5f, 0.5f}, 0.01), {0.9, 0.9 - 0.005 / std::sqrt(0.0025 * 1.99)});
  RMSProp momentum({.lr = 0.01, .momentum = 0.9});
  expect_near(trajectory(momentum, 1, {0.5f, 0.5f}, 0.01), {0.9, 0.9 - 0.01 * (9 + 0.5 / std::sqrt(0.0025 * 1.99))});
  RMSProp centered({.lr = 0.01, .centered = true});  // v - a^2 = 0.0025 - 0.005^2
  expect_near(trajectory(centered, 1, {0.5f}, 0.01), {1 - 0.005 / std::sqrt(0.002475)});
}

/// One parameter's update in double, written from the papers' formulas and sharing nothing with the library.
using Rule = std::function<double(double w, double g, int t, std::array<double, 3>& state)>;

void compare(Optimizer& optimizer, double lr, const Rule& rule) {
  Parameters p(optimizer, {1, 7, 64, 1000, 40'000});
  std::vector<std::vector<std::array<double, 3>>> state;
  std::vector<std::vector<double>> wanted;
  for (const auto& param : p.param) {
    wanted.emplace_back(param.begin(), param.end());
    state.emplace_back(param.size(), std::array<double, 3>{});
  }
  for (int t = 1; t <= 6; ++t) {
    for (auto& grad : p.grad)
      for (float& g : grad) g = g * 0.7f + 0.01f;
    optimizer.begin_step(t, lr);
    optimizer.step(p.slices());
    for (size_t i = 0; i < wanted.size(); ++i)
      for (size_t j = 0; j < wanted[i].size(); ++j)
        wanted[i][j] = rule(wanted[i][j], static_cast<double>(p.grad[i][j]), t, state[i][j]);
  }
  for (size_t i = 0; i < wanted.size(); ++i)
    for (size_t j = 0; j < wanted[i].size(); ++j)
      ASSERT_NEAR(p.param[i][j], wanted[i][j], 3e-6 * (1 + std::abs(wanted[i][j])))
          << optimizer.name() << ' ' << i << ' ' << j;
}

TEST(Optimizer, SgdAgreesWithDouble) {
  for (const bool nesterov : {false, true}) {
    SGD sgd({.lr = 0.05, .momentum = 0.9, .nesterov = nesterov, .weight_decay = 0.01});
    compare(sgd, 0.05, [=](double w, double g, int, std::array<double, 3>& s) {
      g += 0.01 * w;
      s[0] = 0.9 * s[0] + g;
      return w - 0.05 * (nesterov ? g + 0.9 * s[0] : s[0]);
    });
  }
}

TEST(Optimizer, AdamAndAdamWAgreeWithDouble) {
  const auto rule = [](bool decoupled) {
    return [=](double w, double g, int t, std::array<double, 3>& s) {
      if (decoupled)
        w *= 1 - 0.01 * 0.1;
      else
        g += 0.1 * w;
      s[0] = 0.8 * s[0] + 0.2 * g;
      s[1] = 0.95 * s[1] + 0.05 * g * g;
      const double m = s[0] / (1 - std::pow(0.8, t)), v = s[1] / (1 - std::pow(0.95, t));
      return w - 0.01 * m / (std::sqrt(v) + 1e-3);
    };
  };
  Adam adam({.lr = 0.01, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-3, .weight_decay = 0.1});
  compare(adam, 0.01, rule(false));
  AdamW adamw({.lr = 0.01, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-3, .weight_decay = 0.1});
  compare(adamw, 0.01, rule(true));
}

TEST(Optimizer, RmsPropAgreesWithDouble) {
  for (const bool centered : {false, true}) {
    for (const double momentum : {0.0, 0.5}) {
      RMSProp rms({.lr = 1e-3, .alpha = 0.9, .eps = 1e-2, .momentum = momentum, .centered = centered});
      compare(rms, 1e-3, [=](double w, double g, int, std::array<double, 3>& s) {
        s[0] = 0.9 * s[0] + 0.1 * g * g;
        s[1] = 0.9 * s[1] + 0.1 * g;
        s[2] = momentum * s[2] + g / (std::sqrt(centered ? s[0] - s[1] * s[1] : s[0]) + 1e-2);
        return w - 1e-3 * s[2];
      });
    }
  }
}

TEST(Optimizer, BiasesAndNormsAreSparedDecayByOption) {
  for (const bool decays : {true, false}) {
    SGD sgd({.lr = 0.1, .weight_decay = 1, .decay_norm_and_bias = decays});
    std::vector<float> kernel = {1}, bias = {1}, grad = {0};
    const Slice slices[] = {{.param = kernel, .grad = grad}, {.param = bias, .grad = grad, .norm_or_bias = true}};
    sgd.begin_step(1, 0.1);
    sgd.step(slices);
    EXPECT_FLOAT_EQ(kernel[0], 0.9f);
    EXPECT_FLOAT_EQ(bias[0], decays ? 0.9f : 1.0f);
  }
}

TEST(Optimizer, LrScaleMultipliesOneParametersRate) {
  SGD sgd({.lr = 1});
  std::vector<float> a = {0}, b = {0}, grad = {1};
  const Slice slices[] = {{.param = a, .grad = grad}, {.param = b, .grad = grad, .lr_scale = 0.1f}};
  sgd.begin_step(1, 0.5);
  sgd.step(slices);
  EXPECT_FLOAT_EQ(a[0], -0.5f);
  EXPECT_FLOAT_EQ(b[0], -0.05f);
}

TEST(Optimizer, ClippingByNormSpansAllParametersAndByValueEach) {
  std::vector<float> a = {0}, b = {0, 0}, ga = {6}, gb = {0, -8};
  const Slice slices[] = {{.param = a, .grad = ga}, {.param = b, .grad = gb}};
  SGD by_norm({.lr = 1, .clip_norm = 5});
  by_norm.begin_step(1, 1);
  by_norm.step(slices);
  EXPECT_DOUBLE_EQ(by_norm.grad_norm().value(), 10);
  EXPECT_FLOAT_EQ(a[0], -3);
  EXPECT_FLOAT_EQ(b[1], 4);

  a = {0};
  b = {0, 0};
  SGD loose({.lr = 1, .clip_norm = 11});
  loose.begin_step(1, 1);
  loose.step(slices);
  EXPECT_FLOAT_EQ(a[0], -6);

  a = {0};
  b = {0, 0};
  SGD by_value({.lr = 1, .clip_value = 7});
  by_value.begin_step(1, 1);
  by_value.step(slices);
  EXPECT_FALSE(by_value.grad_norm().has_value());
  EXPECT_FLOAT_EQ(a[0], -6);
  EXPECT_FLOAT_EQ(b[1], 7);
}

TEST(Optimizer, ANonFiniteNormStopsBeforeAnyWeightChanges) {
  SGD sgd({.lr = 1, .clip_norm = 5});
  std::vector<float> a = {1, 2}, grad = {1, std::numeric_limits<float>::quiet_NaN()};
  const Slice slice{.param = a, .grad = grad};
  sgd.begin_step(3, 1);
  EXPECT_THROW(sgd.step({&slice, 1}), NumericError);
  EXPECT_EQ(a, (std::vector<float>{1, 2}));
}

TEST(Optimizer, ANanGradientIsNotHiddenByClippingItsValue) {
  for (const size_t at : {size_t{0}, size_t{16}}) {  // in the vector loop and in the tail
    SGD sgd({.lr = 1, .clip_value = 1});
    std::vector<float> a(17), grad(17);
    grad[at] = std::numeric_limits<float>::quiet_NaN();
    const Slice slice{.param = a, .grad = grad};
    sgd.begin_step(1, 1);
    sgd.step({&slice, 1});
    EXPECT_TRUE(std::isnan(a[at]));
  }
}

TEST(Optimizer, ResultsDoNotDependOnThreadsOrOnWhereAParameterLies) {
  const int before = num_threads();
  const std::vector<size_t> sizes = {3, 100'003, 17, 50'000, 1};
  std::vector<std::vector<float>> one;
  double norm = 0;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    Adam adam({.lr = 0.01, .clip_norm = 1});
    Parameters p(adam, sizes);
    for (int t = 1; t <= 3; ++t) {
      adam.begin_step(t, 0.01);
      adam.step(p.slices());
    }
    if (threads == 1) {
      one = p.param;
      norm = adam.grad_norm().value();
      double sum = 0;
      for (const auto& grad : p.grad)
        for (const float g : grad) sum += static_cast<double>(g) * static_cast<double>(g);
      EXPECT_NEAR(norm, std::sqrt(sum), 1e-9 * norm);
    }
    EXPECT_EQ(p.param, one);
    EXPECT_EQ(adam.grad_norm().value(), norm);
  }
  set_num_threads(before);

  Adam whole({.lr = 0.01}), parts({.lr = 0.01});
  Parameters a(whole, {100}), b(parts, {100});
  whole.begin_step(1, 0.01);
  whole.step(a.slices());
  parts.begin_step(1, 0.01);
  const Slice all = b.slices()[0];
  std::vector<Slice> pieces;
  for (size_t from = 0; from < 100; from += 7) {
    const size_t n = std::min<size_t>(7, 100 - from);
    pieces.push_back({.param = all.param.subspan(from, n),
                      .grad = all.grad.subspan(from, n),
                      .state = {all.state[0] + from, all.state[1] + from}});
  }
  parts.step(pieces);
  EXPECT_EQ(a.param, b.param);
}

TEST(Optimizer, ACloneWithRestoredStateContinuesExactly) {
  Adam adam({.lr = 0.01});
  Parameters p(adam, {100});
  for (int t = 1; t <= 3; ++t) {
    adam.begin_step(adam.step_count() + 1, 0.01);
    adam.step(p.slices());
  }
  Parameters q = p;
  Adam fresh({.lr = 0.5});
  fresh.restore_scalar_state(adam.scalar_state());
  EXPECT_EQ(fresh.step_count(), 3);
  EXPECT_EQ(fresh.lr(), 0.01);
  const auto copy = adam.clone();
  EXPECT_EQ(copy->step_count(), 3);
  adam.begin_step(adam.step_count() + 1, 0.01);
  fresh.begin_step(fresh.step_count() + 1, 0.01);
  adam.step(p.slices());
  fresh.step(q.slices());
  EXPECT_EQ(p.param, q.param);
  EXPECT_THROW(fresh.restore_scalar_state({{"step", 3}}), UsageError);
  EXPECT_THROW(fresh.restore_scalar_state({{"step", NAN}, {"step_lr", 1}, {"lr", 1}}), UsageError);
}

TEST(Optimizer, SlotsNameTheState) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(SGD().slots(), Names{});
  EXPECT_EQ(SGD({.momentum = 0.9}).slots(), Names{"momentum"});
  EXPECT_EQ(Adam().slots(), (Names{"m", "v"}));
  EXPECT_EQ(RMSProp({.momentum = 0.9, .centered = true}).slots(), (Names{"square", "mean", "momentum"}));
}

template <class E, class F>
std::string message(F&& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Optimizer, SpansThatDoNotFitAreRefused) {
  Adam adam;
  std::vector<float> a(3), g(2), m(3);
  Slice slice{.param = a, .grad = g};
  EXPECT_THAT(message<UsageError>([&] { adam.step({&slice, 1}); }), HasSubstr("before begin_step"));
  adam.begin_step(1, 0.1);
  EXPECT_THAT(message<ShapeError>([&] {
                adam.step({&slice, 1});
              }),
              HasSubstr("parameter 0 has 3 elements, its gradient 2"));
  slice.grad = m;
  slice.state[0] = m.data();
  EXPECT_THAT(message<ShapeError>([&] { adam.step({&slice, 1}); }), HasSubstr("parameter 0 lacks its state \"v\""));
}

TEST(Optimizer, MadeFromANameWithOverrides) {
  EXPECT_EQ(make("sgd", {.lr = 0.1, .momentum = 0.9})->describe(), "sgd(lr=0.1, momentum=0.9)");
  EXPECT_EQ(make("adam")->describe(), "adam(lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08)");
  EXPECT_EQ(make("adamw", {.weight_decay = 0.05})->describe(),
            "adamw(lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08, weight_decay=0.05)");
  EXPECT_EQ(make("rmsprop", {.momentum = 0.5})->describe(), "rmsprop(lr=0.01, alpha=0.99, eps=1e-08, momentum=0.5)");
  EXPECT_EQ(make("adamw", {.weight_decay = 0.05})->name(), "adamw");
  EXPECT_THAT(message<UsageError>([] { make("adma"); }),
              HasSubstr("unknown optimizer \"adma\"; did you mean \"adam\"?"));
  EXPECT_THAT(message<UsageError>([] { make("x"); }), HasSubstr("(known: sgd, adam, adamw, rmsprop)"));
  EXPECT_THAT(message<UsageError>([] { make("adam", {.momentum = 0.9}); }), HasSubstr("adam takes no momentum"));
  EXPECT_THAT(message<UsageError>([] { make("sgd", {.lr = -1}); }), HasSubstr("sgd: lr must be 0 or more, got -1"));
  EXPECT_THAT(message<UsageError>([] { make("sgd", {.momentum = 1.5}); }), HasSubstr("momentum must be at least 0"));
  EXPECT_THROW(SGD({.nesterov = true}), UsageError);
  EXPECT_THROW(Adam({.beta2 = 1}), UsageError);
  EXPECT_THROW(Adam({.lr = NAN}), UsageError);
}

struct ConfigLike {
  Handle<Optimizer> optimizer;
};

TEST(Optimizer, StandsAsAValueInAConfigStruct) {
  const ConfigLike config{.optimizer = Adam({.lr = 0.25})};
  EXPECT_EQ(config.optimizer->lr(), 0.25);
  EXPECT_FALSE(ConfigLike{}.optimizer);
}

}  // namespace
}  // namespace ocellus::optim
