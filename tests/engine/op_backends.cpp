// The cases of op_check on every backend, against the reference interpreter in double.
//
// Each case runs alone, as inference does, and then as it would in a network that trains: its weights are parameters, which a
// program may keep in a layout of its own, and its other inputs are temporaries, which an operator may overwrite. Memory holds
// NaN before every run. A second batch size is compiled on the same backend and parameters.
#include <cstring>

#include <ocellus/backend/backends.h>
#include <ocellus/engine/program.h>
#include <ocellus/engine/reference.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/norm.h>

#include "engine/op_check.h"

namespace ocellus::op_check {
namespace {

/// A case as a program's graph, with what it is fed.
struct Setting {
  Graph graph;  ///< outputs: the loss if there are gradients, then the case's floating outputs
  Values wrt;
  Mode mode = Mode::inference;
  std::vector<Tensor> fed;

  ProgramSpec spec() const {
    Types types;
    for (const Value& v : graph.inputs) types.push_back(v.type());
    return {graph, types, mode, wrt};
  }
};

/// Integer outputs are left out: a backend may keep positions and masks in a form of its own.
void add_floating(Graph& graph, const Values& outputs) {
  for (const Value& v : outputs)
    if (is_floating(v.dtype())) graph.outputs.push_back(v);
}

Setting alone(const OpCase& c, int64_t batch) {
  const Built b = build(c, batch);
  Setting s;
  s.graph.inputs = b.inputs;
  add_floating(s.graph, b.outputs);
  s.fed = filled(c, batch);
  return s;
}

/// The case's fixed floating inputs as parameters; null for the others.
std::vector<ParameterPtr> parameters_of(const OpCase& c) {
  std::vector<ParameterPtr> parameters;
  const std::vector<Tensor> values = filled(c);
  for (size_t i = 0; i < values.size(); ++i) {
    parameters.push_back(nullptr);
    if (c.inputs[i].batch || values[i].dtype() != DType::f32) continue;
    parameters[i] =
        std::make_shared<Parameter>("in" + std::to_string(i), values[i].shape(), ParamRole::kernel, nullptr, nullptr);
    parameters[i]->set_value(values[i]);
  }
  return parameters;
}

/// Operators that training turns into others can't be compared with themselves there.
bool depends_on_mode(const Values& outputs) {
  Graph graph;
  graph.outputs = outputs;
  for (const auto& node : graph.order())
    if (node->as<BatchNorm>() || node->as<Dropout>()) return true;
  return false;
}

Setting in_network(const OpCase& c, int64_t batch, const std::vector<ParameterPtr>& parameters) {
  Setting s;
  Values inputs;
  const std::vector<Tensor> tensors = filled(c, batch);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const bool real = tensors[i].dtype() == DType::f32;
    Value source;
    if (parameters[i]) {
      source = parameter(parameters[i]);
      inputs.push_back(source);
    } else {
      source = input("in" + std::to_string(i), {tensors[i].dtype(), tensors[i].shape()});
      s.graph.inputs.push_back(source);
      s.fed.push_back(tensors[i]);
      inputs.push_back(real ? ops::affine(source, 0.5) : source);
    }
    if (real && c.inputs[i].differentiable) s.wrt.push_back(source);
  }
  const Values outputs = c.build(inputs);
  if (!s.wrt.empty()) s.graph.outputs.push_back(loss_of(outputs, c.losses));
  add_floating(s.graph, outputs);
  s.mode = depends_on_mode(outputs) ? Mode::inference : Mode::train;
  return s;
}

/// Gradient i of a program, in plain layout.
Tensor plain_gradient(const Program& program, const Setting& s, size_t i) {
  Tensor plain(DType::f32, s.wrt[i].shape());
  const auto* p = s.wrt[i].node().as<ParameterOp>();
  const std::span<const float> g = program.gradient(i);
  if (p && p->parameter->layout())
    p->parameter->layout()->unpack(g.data(), plain);
  else
    std::memcpy(plain.data(), g.data(), plain.bytes());
  return plain;
}

std::vector<Tensor> results(Program& program, const Setting& s) {
  for (size_t i = 0; i < s.fed.size(); ++i) program.input(i).copy_from(s.fed[i]);
  program.run();
  std::vector<Tensor> all;
  for (size_t i = 0; i < s.graph.outputs.size(); ++i) all.push_back(program.output(i).clone());
  for (size_t i = 0; i < s.wrt.size(); ++i) all.push_back(plain_gradient(program, s, i));
  return all;
}

void expect_reference_results(const Setting& s, Backend& backend, double tolerance) {
  Graph oracle = s.graph;
  if (!s.wrt.empty())
    for (const Value& g : gradients(s.graph.outputs[0], s.wrt)) {
      ASSERT_TRUE(g) << "a differentiable input got no gradient";
      oracle.outputs.push_back(g);
    }
  const std::vector<Tensor> expected = evaluate(oracle, s.fed, DType::f64);
  Program program = compile(s.spec(), backend, {.poison = true});
  const std::vector<Tensor> first = results(program, s), second = results(program, s);
  ASSERT_EQ(first.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    const bool gradient = i >= s.graph.outputs.size();
    const std::string what =
        gradient ? "gradient " + std::to_string(i - s.graph.outputs.size()) : "output " + std::to_string(i);
    expect_close(first[i], expected[i], tolerance, what);
    EXPECT_TRUE(same_bits(first[i], second[i])) << what << " of the second run differs";
  }
  if (::testing::Test::HasFailure()) std::puts(to_text(program.report()).c_str());
}

int64_t next_batch(const OpCase& c) {
  for (const OpInput& in : c.inputs)
    if (in.batch) return in.shape[0] + 1;
  return 0;
}

void check(const OpCase& c, Backend& backend, double tolerance) {
  const std::vector<ParameterPtr> parameters = parameters_of(c);
  for (const int64_t batch : {int64_t{0}, next_batch(c)}) {
    SCOPED_TRACE("batch " + std::to_string(batch));
    {
      SCOPED_TRACE("alone");
      expect_reference_results(alone(c, batch), backend, tolerance);
    }
    SCOPED_TRACE("in a network");
    expect_reference_results(in_network(c, batch, parameters), backend, tolerance);
  }
}

}  // namespace
}  // namespace ocellus::op_check

namespace oc = ocellus::op_check;

TEST_P(OpCheck, BackendsAgreeWithTheReference) {
  for (const std::string& name : ocellus::backend_names()) {
    SCOPED_TRACE(name);
    oc::check(GetParam(), *ocellus::make_backend(name, {.algorithms = ocellus::Algorithms::exact}),
              GetParam().tolerance);
  }
}

// Winograd and its like round differently: F(4x4) loses about two decimal digits (Lavin & Gray 2016).
TEST_P(OpCheck, FastAlgorithmsStayNear) {
  const auto backend = ocellus::make_backend("onednn", {.algorithms = ocellus::Algorithms::standard});
  oc::check(GetParam(), *backend, 50 * GetParam().tolerance);
}
