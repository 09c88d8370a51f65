// The cases of op_check on every backend, against the reference interpreter in double.
//
// Each case runs alone, as inference does, and then as it would in a network that trains: its weights are parameters, which a
// program may keep in a layout of its own, and its other inputs are temporaries, which an operator may overwrite. Memory holds
// NaN before every run. A second batch size is compiled on the same backend and parameters.
#include <cstring>

#include <ocellus/backend/backends.h>
#include <ocellus/engine/reference.h>
#include <ocellus/ops/cast.h>

#include "engine/op_setting.h"

namespace ocellus::op_check {
namespace {

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

/// The graph as if it stood in the middle of a network that computes in bf16: what it is fed was bf16 before.
Graph amid_bf16(const Graph& graph) {
  Graph result = rewrite(graph, [](const std::shared_ptr<const Node>& node, const Values&) -> std::optional<Values> {
    if (!node->as<InputOp>() || node->types()[0].dtype != DType::f32) return std::nullopt;
    return Values{ops::cast(ops::cast(Value(node, 0), DType::bf16), DType::f32)};
  });
  result.inputs = graph.inputs;
  return result;
}

void check_in_bf16(const OpCase& c, Backend& backend) {
  const Built built = build(c);
  Graph graph{.inputs = built.inputs, .outputs = built.gradients, .updates = {}};
  for (const size_t i : c.losses) graph.outputs.push_back(built.outputs[i]);  // others may be a backend's own business
  std::vector<Tensor> inputs;
  for (const Tensor& t : filled(c)) inputs.push_back(in_bf16(t));
  const std::vector<Tensor> expected = evaluate(graph, inputs, DType::f64);
  ProgramSpec spec{.graph = amid_bf16(graph)};
  for (const Value& v : graph.inputs) spec.inputs.push_back(v.type());
  Program program = compile(spec, backend, {.poison = true, .compute = DType::bf16});
  for (size_t i = 0; i < inputs.size(); ++i) program.input(i).copy_from(inputs[i]);
  program.run();
  for (size_t i = 0; i < expected.size(); ++i)
    expect_close(program.output(i), expected[i], c.bf16_tolerance * bf16_roundoff, "output " + std::to_string(i));
  if (::testing::Test::HasFailure()) std::puts(to_text(program.report()).c_str());
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

TEST_P(OpCheck, BackendsAgreeInBf16) {
  for (const std::string& name : ocellus::backend_names()) {
    SCOPED_TRACE(name);
    oc::check_in_bf16(GetParam(), *ocellus::make_backend(name, {.algorithms = ocellus::Algorithms::exact}));
  }
}
