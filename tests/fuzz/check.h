// Whether programs of a random graph compute what the reference interpreter does.
#pragma once

#include <array>
#include <map>
#include <string>

#include <ocellus/backend/backends.h>

#include "fuzz/random_graph.h"

namespace ocellus::fuzz {

/// One way to make a program.
struct Setup {
  std::string backend = "onednn";
  Algorithms algorithms = Algorithms::exact;
  Mode mode = Mode::train;
  CompileOptions options = {.poison = true};
  double memory = 1;  ///< share of the arena that training may have: with less, values are computed again
};
std::string to_text(const Setup& setup);
/// Any of all ways that there are.
Setup any_setup(Rng& rng);

/// What was found out about one program.
struct Verdict {
  std::string failure;  ///< "" if every result is right
  int compared = 0;     ///< results that were compared
  int undecided = 0;    ///< results that rounding alone may change too much to tell anything
};

/// Compares programs of one graph with the reference in double.
///
/// How far a result may be off is found by experiment (Vignes, "A stochastic arithmetic for reliable scientific computation",
/// 1993): the reference is evaluated again while every number in the graph is moved at random by a few units of rounding of
/// the arithmetic in question, and the tolerance is the largest change that a result shows. So it follows how much the graph
/// itself magnifies rounding, through sums that cancel as through a maximum that changes its place. A result that this moves by
/// more than a fixed share of its size is undecided.
class Checker {
 public:
  explicit Checker(RandomGraph graph) : g_(std::move(graph)) {}

  Verdict check(const Setup& setup);
  const RandomGraph& graph() const { return g_; }

 private:
  struct Oracle {
    Graph graph;  // specialised; outputs: those of the graph, gradients, and what parameters are updated to
    std::vector<Tensor> fed, expected;
    std::vector<std::string> names;
    std::map<double, std::vector<double>> deviations;  // by size of the disturbance
  };

  Oracle& oracle(Mode mode);
  void disturb(Oracle& o, double size, uint64_t from, uint64_t samples);
  void compare(const std::vector<Tensor>& results, const Setup& setup, Verdict& verdict);
  std::vector<Tensor> results(Program& program, const Oracle& o, Mode mode) const;

  RandomGraph g_;
  std::map<Mode, Oracle> oracles_;
  std::map<std::pair<std::string, Algorithms>, BackendPtr> backends_;
};

}  // namespace ocellus::fuzz
