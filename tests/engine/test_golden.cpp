// Operators against PyTorch's numbers (tools/gen_golden.py), by the interpreter in double and by every backend.
#include <algorithm>
#include <cstring>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <ocellus/backend/backends.h>
#include <ocellus/engine/program.h>
#include <ocellus/engine/reference.h>
#include <ocellus/ops/attributes.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/tensor/npy.h>

#include "engine/op_check.h"
#include "engine/passes/passes.h"

namespace ocellus {
namespace {

using Json = nlohmann::ordered_json;

Json manifest() { return Json::parse(std::ifstream(OCELLUS_TEST_DATA "/golden/manifest.json")).at("cases"); }

std::vector<std::string> names() {
  std::vector<std::string> found;
  for (const Json& c : manifest()) found.push_back(c["name"]);
  return found;
}

Json case_of(const std::string& name) {
  for (Json& c : manifest())
    if (c["name"] == name) return c;
  throw UsageError("no case " + name);
}

Tensor stored(const Json& file) { return read_npy(OCELLUS_TEST_DATA "/golden/" + file.get<std::string>()); }

/// A case of the manifest as a graph. Running statistics are parameters, so that training can update them.
struct Golden {
  explicit Golden(const Json& c) : training(c["attrs"].value("training", false)) {
    Values operands;
    Value dy;
    for (const auto& [name, file] : c["inputs"].items()) {
      const Tensor t = stored(file);
      Value v;
      if (name.starts_with("running_")) {
        statistics.emplace_back(name,
                                std::make_shared<Parameter>(name, t.shape(), ParamRole::statistic, nullptr, nullptr));
        statistics.back().second->set_value(t);
        v = parameter(statistics.back().second);
      } else {
        v = input(name, {t.dtype(), t.shape()});
        graph.inputs.push_back(v);
        fed.push_back(t);
      }
      (name == "dy" ? dy : operands.emplace_back()) = v;
      if (c["outputs"].contains("d" + name)) {
        wrt.push_back(v);
        expected_gradients.push_back(stored(c["outputs"]["d" + name]));
      }
    }
    Json attributes = c["attrs"];
    attributes.erase("training");
    const Values outputs = emit(op_from_json(c["op"].get<std::string>(), attributes.dump()), operands);
    graph.outputs = {dy ? ops::reduce_sum(ops::mul(outputs[0], dy)) : outputs[0]};
    for (const char* name : {"y", "loss"})
      if (c["outputs"].contains(name)) expect(outputs[0], stored(c["outputs"][name]));
    if (c["outputs"].contains("probabilities")) expect(outputs[1], stored(c["outputs"]["probabilities"]));
    for (const auto& [name, p] : statistics)
      if (c["outputs"].contains("new_" + name)) expected_statistics.push_back(stored(c["outputs"]["new_" + name]));
  }

  void expect(const Value& v, const Tensor& t) {
    graph.outputs.push_back(v);
    expected_outputs.push_back(v.shape().rank() == 0 ? t.reshape({})
                                                     : t);  // NumPy may store a scalar with one dimension
  }

  ProgramSpec spec() const {
    Types types;
    for (const Value& v : graph.inputs) types.push_back(v.type());
    return {graph, types, training ? Mode::train : Mode::inference, wrt};
  }

  bool training;
  Graph graph;  ///< outputs: the loss, then what is expected
  Values wrt;
  std::vector<Tensor> fed, expected_outputs, expected_gradients, expected_statistics;
  std::vector<std::pair<std::string, ParameterPtr>> statistics;
};

/// Absolute, relative to the largest element: batch norm around 1000 subtracts numbers that are 1000 times the result.
double tolerance(const std::string& name) { return name == "batch_norm_far_from_zero" ? 1e-3 : 1e-5; }

class GoldenNumbers : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenNumbers, OnEveryBackend) {
  for (const std::string& name : backend_names()) {
    SCOPED_TRACE(name);
    const Golden golden(case_of(GetParam()));
    const auto backend = make_backend(name, {.algorithms = Algorithms::exact});
    Program program = compile(golden.spec(), *backend, {.poison = true});
    for (size_t i = 0; i < golden.fed.size(); ++i) program.input(i).copy_from(golden.fed[i]);
    program.run();
    for (size_t i = 0; i < golden.expected_outputs.size(); ++i)
      op_check::expect_close(program.output(i + 1), golden.expected_outputs[i], tolerance(GetParam()), "output");
    for (size_t i = 0; i < golden.wrt.size(); ++i) {
      Tensor gradient(DType::f32, golden.wrt[i].shape());
      std::memcpy(gradient.data(), program.gradient(i).data(), gradient.bytes());
      op_check::expect_close(gradient, golden.expected_gradients[i], tolerance(GetParam()),
                             "gradient of " + golden.wrt[i].node().as<InputOp>()->label);
    }
    for (size_t i = 0; i < golden.expected_statistics.size(); ++i)
      op_check::expect_close(golden.statistics[i].second->value(), golden.expected_statistics[i], 1e-5,
                             golden.statistics[i].first);
  }
}

// In double nothing is left but the rounding of the stored numbers.
TEST_P(GoldenNumbers, InTheInterpreter) {
  const Golden golden(case_of(GetParam()));
  const ProgramSpec spec = golden.spec();
  Graph graph = passes::specialise(spec.graph, spec.inputs, spec.mode);
  Values wrt;
  for (const Value& v : golden.wrt)
    wrt.push_back(graph.inputs[std::ranges::find(golden.graph.inputs, v) - golden.graph.inputs.begin()]);
  for (const Value& g : gradients(graph.outputs[0], wrt)) graph.outputs.push_back(g);
  const std::vector<Tensor> results = evaluate(graph, golden.fed, DType::f64);
  const size_t outputs = golden.expected_outputs.size();
  for (size_t i = 0; i < outputs; ++i)
    op_check::expect_close(results[i + 1], golden.expected_outputs[i], 2e-7, "output");
  for (size_t i = 0; i < wrt.size(); ++i)
    op_check::expect_close(results[1 + outputs + i], golden.expected_gradients[i], 2e-7, "gradient");
}

INSTANTIATE_TEST_SUITE_P(PyTorch, GoldenNumbers, ::testing::ValuesIn(names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace ocellus
