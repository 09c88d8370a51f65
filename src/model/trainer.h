// One step of training or judging: a program from a batch to the loss, and what an optimiser makes of its gradients.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ocellus/data/loader.h>

#include "model/state.h"

namespace ocellus {

/// Names of the loss's parts that are logged beside it: all, but not a sole "loss", which is the loss itself.
std::vector<std::string> logged_parts(const CompileConfig& config);

/// The model's graph with its loss. Outputs: the loss, the first prediction, and the values of the logged parts, if there are
/// any: like the loss a sum over the outputs by their weights, so that the parts add up to the loss.
struct LossGraph {
  Graph graph;        ///< inputs: the model's, then the target
  TensorType target;  ///< its batch may be open
};

/// With a seed, dropout masks come from it and from the layers' names; throws UsageError for a model without a loss.
LossGraph loss_graph(const Model::State& state, DType target, std::optional<uint64_t> dropout_seed);

/// The gradients' parameters, as values of the graph.
Values learning_parameters(const Graph& graph);

/// A spec with all types known.
ProgramSpec loss_spec(const LossGraph& loss, int64_t batch, Mode mode);

/// Copies a batch into a program's inputs; throws ShapeError naming the model.
void feed_batch(const Model::State& state, const TensorType& target, const data::Batch& batch, Program& program);

/// Programs of the training graph, one a batch size, and the optimiser's state beside the parameters.
class Trainer {
 public:
  Trainer(Model::State& state, DType target, uint64_t seed);

  /// The program of a batch size, ready to run; compiles it at the first use.
  Program& prepare(int64_t batch);
  /// Computes loss and gradients; `step` is the key of dropout's masks. Gives the loss.
  float forward_backward(const data::Batch& batch, int64_t step);
  /// Lets the optimiser use the last gradients.
  void update(double lr);
  /// What the last batch ran in.
  Program& program() { return *current_->program; }
  /// Values of the loss's logged parts for the last batch, in order.
  std::span<const float> parts() const;
  /// The first output of the last batch.
  const Tensor& prediction() const { return current_->program->output(1); }

 private:
  struct Prepared {
    int64_t batch = 0;
    std::unique_ptr<Program> program;
    std::vector<optim::Slice> slices;
  };

  Prepared& find_or_compile(int64_t batch);
  std::vector<std::shared_ptr<float>>& slots(const ParameterPtr& parameter);

  Model::State& state_;
  LossGraph loss_;
  Values wrt_;
  std::list<Prepared> programs_;
  Prepared* current_ = nullptr;
};

}  // namespace ocellus
