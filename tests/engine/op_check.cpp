#include "engine/op_check.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include <ocellus/engine/reference.h>
#include <ocellus/ops/attributes.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/softmax.h>

namespace ocellus::op_check {
namespace {

template <class F>
Fill each(F draw) {
  return [draw](Tensor& t, Rng& rng) {
    for (float& v : t.as<float>()) v = static_cast<float>(draw(rng));
  };
}

Shape with_batch(const OpInput& in, int64_t batch) {
  return in.batch && batch != 0 ? in.shape.with(0, batch) : in.shape;
}

/// Fixed numbers of one type, for the weights of a loss.
Tensor random(const Shape& shape, uint64_t stream) {
  Tensor t(DType::f32, shape);
  Rng rng(17, stream);
  uniform(-1, 1)(t, rng);
  return t;
}

}  // namespace

Fill uniform(double low, double high) {
  return each([=](Rng& rng) { return rng.uniform(static_cast<float>(low), static_cast<float>(high)); });
}

Fill below(int64_t n) {
  return [n](Tensor& t, Rng& rng) {
    for (int32_t& v : t.as<int32_t>()) v = static_cast<int32_t>(rng.below(static_cast<uint64_t>(n)));
  };
}

Fill distinct() {
  return [](Tensor& t, Rng& rng) {
    const auto v = t.as<float>();
    std::iota(v.begin(), v.end(), 0.0f);
    for (size_t i = v.size(); i > 1; --i) std::swap(v[i - 1], v[rng.below(i)]);
    for (float& x : v) x = (x - static_cast<float>(v.size() / 2)) / 16;
  };
}

Fill off_zero() {
  return each([](Rng& rng) {
    const float size = rng.uniform(0.1f, 1.0f);
    return rng.chance(0.5f) ? size : -size;
  });
}

Fill distribution() {
  return [](Tensor& t, Rng& rng) {
    const Shape& shape = t.shape();
    const int64_t classes = shape[1], inner = t.numel() / (shape[0] * classes);
    const auto v = t.as<float>();
    for (float& x : v) x = rng.uniform(0.1f, 1.0f);
    for (int64_t n = 0; n < shape[0]; ++n)
      for (int64_t i = 0; i < inner; ++i) {
        const auto at = [&](int64_t c) -> float& { return v[static_cast<size_t>((n * classes + c) * inner + i)]; };
        float sum = 0;
        for (int64_t c = 0; c < classes; ++c) sum += at(c);
        for (int64_t c = 0; c < classes; ++c) at(c) /= sum;
      }
  };
}

OpInput batch_of(Shape shape, Fill fill) { return {.shape = shape, .fill = std::move(fill), .batch = true}; }
OpInput fixed(Shape shape, Fill fill) { return {.shape = shape, .fill = std::move(fill)}; }

OpInput still(OpInput input) {
  input.differentiable = false;
  return input;
}

Graph Built::with_gradients() const {
  Graph graph;
  graph.inputs = inputs;
  graph.outputs = outputs;
  for (const Value& g : gradients)
    if (g) graph.outputs.push_back(g);
  return graph;
}

Built build(const OpCase& c, int64_t batch) {
  Built b;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    const OpInput& in = c.inputs[i];
    b.inputs.push_back(input("in" + std::to_string(i), {in.dtype, with_batch(in, batch)}));
    if (in.differentiable && in.dtype == DType::f32) b.wrt.push_back(b.inputs.back());
  }
  b.outputs = c.build(b.inputs);
  if (b.wrt.empty()) return b;
  b.loss = loss_of(b.outputs, c.losses);
  b.gradients = gradients(b.loss, b.wrt);
  return b;
}

std::vector<Tensor> filled(const OpCase& c, int64_t batch) {
  std::vector<Tensor> tensors;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    Tensor t(c.inputs[i].dtype, with_batch(c.inputs[i], batch));
    Rng rng = Rng(5).fork(c.name).fork(i);
    c.inputs[i].fill(t, rng);
    tensors.push_back(std::move(t));
  }
  return tensors;
}

Value loss_of(const Values& outputs, const std::vector<size_t>& losses) {
  Values parts;
  for (const size_t i : losses) {
    const Value& out = outputs.at(i);
    parts.push_back(out.shape().known() ? ops::reduce_sum(ops::mul(out, constant(random(out.shape(), i))))
                                        : ops::squared_error(out, ops::affine(out, 0.5, 0.25), Reduction::sum));
  }
  return add_n(parts);
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() && std::memcmp(a.data(), b.data(), a.bytes()) == 0;
}

void expect_close(const Tensor& actual, const Tensor& expected, double tolerance, const std::string& what) {
  ASSERT_EQ(actual.shape().to_string(), expected.shape().to_string()) << what;
  double largest = 1, worst = 0;
  int64_t where = 0;
  for (int64_t i = 0; i < expected.numel(); ++i) {
    if (std::isfinite(expected.at(i))) largest = std::max(largest, std::abs(expected.at(i)));
    const double off = std::abs(actual.at(i) - expected.at(i));
    if (actual.at(i) == expected.at(i) || off <= worst) continue;
    worst = off;  // also taken when it is NaN
    where = i;
    if (std::isnan(off)) break;
  }
  EXPECT_LE(worst, tolerance * largest) << what << ": element " << where << " is " << actual.at(where) << ", expected "
                                        << expected.at(where);
}

double relative_error(const Tensor& actual, const Tensor& expected) {
  double largest = 0, worst = 0;
  for (int64_t i = 0; i < expected.numel(); ++i) {
    const double a = actual.at(i), e = expected.at(i);
    if (std::isfinite(e)) largest = std::max(largest, std::abs(e));
    if (a == e || (std::isnan(a) && std::isnan(e))) continue;
    const double off = std::abs(a - e);
    worst = std::isnan(off) ? std::numeric_limits<double>::infinity() : std::max(worst, off);
  }
  return worst == 0 ? 0 : worst / largest;
}

Tensor in_bf16(const Tensor& t) { return is_floating(t.dtype()) ? t.to(DType::bf16).to(DType::f32) : t; }

void PrintTo(const OpCase& c, std::ostream* out) { *out << c.name; }
void PrintTo(const Refused& c, std::ostream* out) { *out << c.name; }

}  // namespace ocellus::op_check

namespace oc = ocellus::op_check;
using ocellus::DType;
using ocellus::Tensor;
using ocellus::Value;

TEST_P(OpCheck, InfersTheShapesThatItComputes) {
  const oc::Built b = oc::build(GetParam());
  const auto outputs = ocellus::evaluate(b.with_gradients(), oc::filled(GetParam()), DType::f32);
  const ocellus::Values values = b.with_gradients().outputs;
  ASSERT_EQ(outputs.size(), values.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    EXPECT_EQ(to_string(ocellus::TensorType{outputs[i].dtype(), outputs[i].shape()}), to_string(values[i].type()));
  }
  for (const Value& v : b.inputs) EXPECT_TRUE(v.shape().known());
}

// Built for a batch not known yet, types must be those of the concrete batches, in which dimension 0 is the batch or is not.
TEST_P(OpCheck, BatchMayBeUnknown) {
  const ocellus::Values open = oc::build(GetParam(), ocellus::any_dim).with_gradients().outputs;
  for (const int64_t batch : {2, 5}) {
    const ocellus::Values known = oc::build(GetParam(), batch).with_gradients().outputs;
    ASSERT_EQ(open.size(), known.size());
    for (size_t i = 0; i < open.size(); ++i) {
      const ocellus::Shape shape =
          open[i].shape().known() ? open[i].shape() : open[i].shape().with(0, known[i].shape()[0]);
      EXPECT_EQ(shape.to_string(), known[i].shape().to_string()) << "output " << i << " for a batch of " << batch;
    }
  }
}

TEST_P(OpCheck, SameInputsGiveSameBits) {
  const ocellus::Graph graph = oc::build(GetParam()).with_gradients();
  const auto inputs = oc::filled(GetParam());
  const auto first = ocellus::evaluate(graph, inputs, DType::f32),
             second = ocellus::evaluate(graph, inputs, DType::f32);
  for (size_t i = 0; i < first.size(); ++i) EXPECT_TRUE(oc::same_bits(first[i], second[i])) << "output " << i;
}

TEST_P(OpCheck, DoubleAgreesWithFloat) {
  const ocellus::Graph graph = oc::build(GetParam()).with_gradients();
  const auto inputs = oc::filled(GetParam());
  const auto narrow = ocellus::evaluate(graph, inputs, DType::f32), wide = ocellus::evaluate(graph, inputs, DType::f64);
  for (size_t i = 0; i < wide.size(); ++i)
    oc::expect_close(narrow[i], wide[i], GetParam().tolerance, "output " + std::to_string(i));
}

// What is fed is bf16 already, so that both precisions see the same maxima and the same sides of kinks, and what differs is
// the arithmetic.
TEST_P(OpCheck, Bf16AgreesWithDouble) {
  const ocellus::Graph graph = oc::build(GetParam()).with_gradients();
  std::vector<Tensor> inputs;
  for (const Tensor& t : oc::filled(GetParam())) inputs.push_back(oc::in_bf16(t));
  const auto expect_rounded = [](const ocellus::Node& node, std::span<const Tensor> outputs) {
    const ocellus::Traits traits = node.op().traits();
    if (node.inputs().empty() || traits.full_precision) return;
    for (size_t i = 0; i < outputs.size(); ++i)
      if ((traits.wide_outputs >> i & 1) == 0)
        EXPECT_EQ(oc::relative_error(outputs[i], oc::in_bf16(outputs[i])), 0) << node.op().name();
  };
  const auto narrow = ocellus::evaluate(graph, inputs, DType::bf16, expect_rounded);
  const auto wide = ocellus::evaluate(graph, inputs, DType::f64);
  for (size_t i = 0; i < wide.size(); ++i) {
    ASSERT_EQ(narrow[i].shape().to_string(), wide[i].shape().to_string());
    EXPECT_LE(oc::relative_error(narrow[i], wide[i]), GetParam().bf16_tolerance * oc::bf16_roundoff) << "output " << i;
  }
}

// Central differences of the loss in double, for up to 40 elements of each input.
TEST_P(OpCheck, GradientAgreesWithDifferences) {
  const oc::OpCase& c = GetParam();
  const oc::Built b = oc::build(c);
  if (b.wrt.empty()) return;  // integers, or operators of inference alone
  std::vector<Tensor> inputs;
  for (const Tensor& t : oc::filled(c)) inputs.push_back(t.dtype() == DType::f32 ? t.to(DType::f64) : t);
  ocellus::Graph loss, derivative;
  loss.inputs = derivative.inputs = b.inputs;
  loss.outputs = {b.loss};
  for (const Value& g : b.gradients) {
    ASSERT_TRUE(g) << "a differentiable input got no gradient";
    derivative.outputs.push_back(g);
  }
  const auto expected = ocellus::evaluate(derivative, inputs, DType::f64);
  constexpr double step = 1e-5;
  for (size_t w = 0; w < b.wrt.size(); ++w) {
    const size_t at = static_cast<size_t>(std::ranges::find(b.inputs, b.wrt[w]) - b.inputs.begin());
    const int64_t count = inputs[at].numel(), stride = std::max<int64_t>(1, count / 40);
    for (int64_t i = 0; i < count; i += stride) {
      double& x = inputs[at].as<double>()[static_cast<size_t>(i)];
      const double before = x;
      x = before + step;
      const double above = ocellus::evaluate(loss, inputs, DType::f64)[0].at(0);
      x = before - step;
      const double under = ocellus::evaluate(loss, inputs, DType::f64)[0].at(0);
      x = before;
      const double slope = (above - under) / (2 * step), given = expected[w].at(i);
      EXPECT_NEAR(given, slope, c.gradient_tolerance * std::max(1.0, std::abs(slope)))
          << "input " << at << ", element " << i;
    }
  }
}

TEST_P(OpCheck, SurvivesText) {
  for (const auto& node : oc::build(GetParam()).with_gradients().order()) {
    std::string json;
    try {
      json = ocellus::attributes_to_json(node->op());
    } catch (const ocellus::Unsupported&) {
      continue;  // holds a tensor or a function
    }
    const ocellus::OpPtr again = ocellus::op_from_json(node->op().name(), json);
    EXPECT_EQ(again->name(), node->op().name());
    EXPECT_EQ(ocellus::attributes(*again), ocellus::attributes(node->op()));
    EXPECT_EQ(ocellus::attributes_to_json(*again), json);
    EXPECT_EQ(again->infer(node->input_types()), node->types());
  }
}

TEST_P(BadCall, IsRefusedWithItsReason) {
  ocellus::Values inputs;
  for (size_t i = 0; i < GetParam().inputs.size(); ++i)
    inputs.push_back(ocellus::input("in" + std::to_string(i), GetParam().inputs[i]));
  try {
    GetParam().build(inputs);
    FAIL() << "was accepted";
  } catch (const ocellus::Error& e) {
    EXPECT_EQ(std::string(e.what()), GetParam().message);
  }
}
