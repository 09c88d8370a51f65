// What copies of a model share.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ocellus/engine/program.h>
#include <ocellus/model/model.h>

namespace ocellus {

/// One call of a layer, as a row of the summary: its nodes and what leaves it.
struct LayerCall {
  std::shared_ptr<LayerInfo> layer;  ///< null for an input
  std::string name;                  ///< "conv2d", "conv2d:1" for a second call
  std::vector<std::shared_ptr<const Node>> nodes;
  Values outputs;                    ///< used outside of the call, the first of them first
  std::vector<size_t> sources;       ///< calls that its inputs come from, in order, each once
};

/// What an optimiser keeps beside the parameters, in the parameters' own layouts.
struct OptimizerState {
  std::map<const Parameter*, std::vector<std::shared_ptr<float>>> slots;
  std::map<std::string, Tensor> plain;  ///< from a file, by "slot/path", until the parameters have their layouts
  int64_t updates = 0;
};

/// How a file's model was compiled, where this program lacks a part of that: a function of the program that saved the file.
struct ForeignCompile {
  std::string what;  ///< the loss "hinge"
  std::string json;  ///< the file's own words, which go into the next file
};

struct Model::State {
  std::string name;
  Graph graph;
  std::vector<std::string> inputs;  ///< names
  std::vector<LayerCall> calls;
  std::vector<std::shared_ptr<LayerInfo>> layers;
  std::vector<ParameterPtr> parameters;

  std::optional<data::Preprocess> preprocess;
  std::vector<std::string> classes;
  std::map<std::string, std::string> metadata;
  CompileConfig config;
  OptimizerState optimizer;
  ForeignCompile foreign;  ///< of a loaded model that is not compiled
  History history;

  BackendPtr backend;
  std::optional<DType> precision;
  std::shared_ptr<const Calibration> calibration;  ///< null: none
  Value probabilities;  ///< of the first output, made when first asked for

  /// Programs for inference, latest use first.
  struct Cached {
    Values outputs;
    int64_t batch;
    std::unique_ptr<Program> program;
  };
  std::list<Cached> programs;

  /// Names layers, groups nodes into calls and collects parameters: what the constructor and `load` share.
  void index();
  /// Throws UsageError, saying why, for a model that has no loss.
  void require_compiled(std::string_view what_for) const;
  const BackendPtr& use_backend();
  DType use_precision();
  void forget_calibration();  ///< when the weights change
  /// Compiles for the model's backend and precision.
  Program compile(const ProgramSpec& spec);
  /// Sets `preprocess` from the input's shape unless it has been set.
  void choose_preprocess();
  /// A compiled inference program of the graph's inputs and these outputs.
  Program& program(const Values& outputs, int64_t batch);
  Value find(std::string_view name) const;
  Value probabilities_value();
};

/// A type with its batch dimension, if it is open, set.
TensorType with_batch(const TensorType& type, int64_t batch);

}  // namespace ocellus
