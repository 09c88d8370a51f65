// A case of op_check as a program: what the backends are checked, timed and asked with.
#pragma once

#include <string>
#include <vector>

#include <ocellus/engine/program.h>

#include "engine/op_check.h"

namespace ocellus::op_check {

/// A case as a program's graph, with what it is fed.
struct Setting {
  Graph graph;  ///< outputs: the loss if there are gradients, then the case's floating outputs
  Values wrt;
  Mode mode = Mode::inference;
  std::vector<Tensor> fed;

  ProgramSpec spec() const;
};

/// The case by itself, as inference runs it, for a batch of `batch` or as the case says (0).
Setting alone(const OpCase& c, int64_t batch = 0);

/// The case's fixed floating inputs as parameters; null for the others.
std::vector<ParameterPtr> parameters_of(const OpCase& c);

/// The case in a network that trains: `parameters` take the place of its fixed inputs, the others are temporaries.
Setting in_network(const OpCase& c, int64_t batch, const std::vector<ParameterPtr>& parameters);

/// Above the rows that the tests PrintsTimes and PrintsKernels print (op_report.cpp).
std::string times_header();
std::string kernels_header();

}  // namespace ocellus::op_check
