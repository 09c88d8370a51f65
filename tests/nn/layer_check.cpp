#include "nn/layer_check.h"

#include <gtest/gtest.h>

#include <ocellus/backend/backends.h>
#include <ocellus/engine/program.h>
#include <ocellus/ops/softmax.h>

namespace ocellus::nn {
namespace {

constexpr int64_t batch = 4;

Shape batched(const Shape& sample, int64_t n) {
  std::vector<int64_t> dims = {n};
  dims.insert(dims.end(), sample.begin(), sample.end());
  return Shape(std::span<const int64_t>(dims));
}

Values fresh_inputs(const LayerCase& c) {
  Values inputs;
  for (const Shape& s : c.samples) inputs.push_back(input(s));
  return inputs;
}

void check_parameters(const LayerCase& c, const Layer& layer) {
  const auto parameters = layer.parameters();
  ASSERT_EQ(parameters.size(), c.parameters.size());
  for (size_t i = 0; i < parameters.size(); ++i) {
    EXPECT_EQ(parameters[i]->path(), "block/it/" + c.parameters[i].first);
    EXPECT_EQ(parameters[i]->shape(), c.parameters[i].second) << parameters[i]->path();
  }
}

void check_sharing_and_freezing(const LayerCase& c, Layer& layer) {
  const auto before = layer.parameters();
  const Value again = layer(fresh_inputs(c));
  EXPECT_EQ(layer.parameters(), before) << "a second call makes no parameters";
  EXPECT_EQ(again.node().layer(), "block/it");
  layer.trainable(false);
  for (const ParameterPtr& p : layer.parameters()) EXPECT_FALSE(p->learns());
  layer.trainable(true);
  for (const ParameterPtr& p : layer.parameters()) EXPECT_EQ(p->learns(), p->role() != ParamRole::statistic);
}

/// A small step against the gradient, of all parameters and the first input, lowers the loss.
void check_learning(const LayerCase& c, const std::string& backend_name, const Values& inputs, const Value& y) {
  const BackendPtr backend = make_backend(backend_name);
  ProgramSpec spec;
  const Value target = ocellus::input("target", y.type());
  spec.graph.inputs = inputs;
  spec.graph.inputs.push_back(target);
  spec.graph.outputs = {ops::squared_error(y, target, Reduction::sum)};
  spec.mode = Mode::train;
  for (const Shape& s : c.samples) spec.inputs.push_back({DType::f32, batched(s, batch)});
  spec.inputs.push_back({DType::f32, batched(c.output, batch)});
  spec.wrt = {inputs[0]};
  for (const auto& node : spec.graph.order())
    if (const auto* p = node->as<ParameterOp>(); p && p->parameter->learns()) spec.wrt.emplace_back(node, 0);
  Program program = compile(spec, *backend);

  Rng rng(7);
  for (size_t i = 0; i < spec.inputs.size(); ++i)
    for (float& v : program.input(i).as<float>()) v = rng.normal();
  for (size_t i = 0; c.adjust && i < c.samples.size(); ++i) c.adjust(i, program.input(i).as<float>());
  program.run();
  const double before = program.output(0).at(0);
  double norm = 0;
  for (size_t i = 0; i < spec.wrt.size(); ++i)
    for (const float g : program.gradient(i)) norm += static_cast<double>(g) * g;
  ASSERT_GT(norm, 0) << "nothing flows back";
  const auto rate = static_cast<float>(1e-2 * before / norm);
  for (size_t i = 0; i < spec.wrt.size(); ++i) {
    const auto gradient = program.gradient(i);
    const auto* p = spec.wrt[i].node().as<ParameterOp>();
    const auto values = p ? p->parameter->flat() : program.input(0).as<float>();
    ASSERT_EQ(values.size(), gradient.size());
    for (size_t k = 0; k < values.size(); ++k) values[k] -= rate * gradient[k];
    if (p) p->parameter->touch();
  }
  program.set_step(0);
  program.run();
  const double drop = (before - program.output(0).at(0)) / before;
  EXPECT_GT(drop, c.smooth ? 5e-3 : 0) << backend_name << ": a step of 1 % of the loss";
}

}  // namespace

void layer_check(const LayerCase& c) {
  SCOPED_TRACE(c.title);
  const auto layer = c.make("block/it");
  const Values inputs = fresh_inputs(c);
  const Value y = (*layer)(inputs);
  EXPECT_EQ(y.shape(), batched(c.output, any_dim));
  EXPECT_EQ(y.node().layer(), "block/it");
  check_parameters(c, *layer);
  check_sharing_and_freezing(c, *layer);
  for (const std::string backend : {"reference", "onednn"}) {
    const auto learner = c.make("block/it");
    const Values x = fresh_inputs(c);
    const Value out = (*learner)(x);
    for (const ParameterPtr& p : learner->parameters()) p->initialise(3);
    check_learning(c, backend, x, out);
  }
  try {
    (*layer)(Values{});
    FAIL() << "no inputs were accepted";
  } catch (const ShapeError& e) {
    EXPECT_EQ(e.layer(), "block/it");
    EXPECT_EQ(e.op(), snake_case(layer->kind()));
  }
}

}  // namespace ocellus::nn
