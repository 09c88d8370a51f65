// Runs a graph's nodes one by one on a backend: layouts pass from kernel to kernel as in a program, but every value has
// memory of its own, filled with NaN before its kernel runs.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include <ocellus/base/rng.h>
#include <ocellus/graph/graph.h>

#include "engine/kernel.h"

namespace ocellus {

struct RunOptions {
  bool training = true;
  bool in_place = false;  ///< outputs lie on inputs wherever a plan allows it
  bool allow_refusals = false;
};

/// What happened at a node: the kernel's name ("reference" if none accepted), the outputs' layouts, who refused and why.
struct NodeReport {
  std::string op, kernel;
  std::vector<LayoutPtr> inputs, outputs;
  std::vector<Refusal> refusals;
};

struct RunResult {
  std::vector<Tensor> outputs;  ///< plain
  std::vector<NodeReport> nodes;
};

/// Outputs of the graph; a node that kernels refuse fails the test unless options.allow_refusals.
RunResult run_on(Backend& backend, const Graph& graph, const std::vector<Tensor>& inputs,
                 const RunOptions& options = {});

/// Uniform in [-1, 1), named by `stream`.
Tensor random_tensor(const Shape& shape, uint64_t stream);

/// Expects the elements of both to differ by at most `tolerance` times the largest expected one, or times 1.
void expect_close(const Tensor& actual, const Tensor& expected, double tolerance, const std::string& what);

/// Runs the graph of `outputs` and of the gradients of sum(outputs[0] * random) with respect to all inputs, on the backend
/// (out of place and in place) and by reference evaluation, and expects them to agree.
RunResult expect_agrees(Backend& backend, const Values& inputs, const Values& outputs, double tolerance = 2e-5);

}  // namespace ocellus
