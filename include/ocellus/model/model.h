// Model: a graph from inputs to outputs that can be trained, judged, asked, described, and kept in one file.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ocellus/data/preprocess.h>
#include <ocellus/engine/program.h>
#include <ocellus/model/config.h>
#include <ocellus/nn/layer.h>
#include <ocellus/train/history.h>

namespace ocellus {

/// A handle of shared state, as every layer. Calling a model on values emits its layers again, with the same parameters.
/// Not thread-safe: its programs have their own buffers.
class OCELLUS_API Model final : public nn::Layer {
 public:
  /// Numbers the layers that have no name as Keras does (conv2d, conv2d_1, ...) and fills fresh parameters. Throws UsageError
  /// for two layers of one name, and for an output that needs an input that is not listed.
  Model(Values inputs, Values outputs, ModelConfig config = {});

  /// Reads what `save` wrote, without the program that built it. Throws IoError, FormatError, Unsupported for a newer format.
  static Model load(const std::filesystem::path& path);
  /// Architecture, weights, optimiser state, preprocessing, class names, configuration and history in one .safetensors file,
  /// written atomically. Throws IoError, and Unsupported for a graph with host operators.
  void save(const std::filesystem::path& path) const;
  /// Sets the parameters from the tensors of their names; throws FormatError for a missing tensor or another shape.
  void load_weights(const std::filesystem::path& path);

  /// Fills all parameters anew; each from (seed, its path) alone.
  void initialise(uint64_t seed);
  /// Says how the model learns; forgets the state of an earlier optimiser. Throws UsageError without a loss, and for a loss
  /// whose part has a name that the log uses for something else.
  void compile(CompileConfig config);
  bool compiled() const;
  /// What a loaded model that is not compiled was saved with and this program can't make, a function of the program that saved
  /// it: the loss "hinge". To be given again by `compile`; empty where nothing is missing.
  std::string lacks() const;

  /// Trains; the history has one row an epoch ("accuracy", "loss", a custom loss's parts by their names, "val_accuracy",
  /// "val_loss", "val_" and each part). Throws NumericError, naming the
  /// epoch, the step and the first layer with a value that is not finite, when the loss is not; UsageError for a model that is
  /// not compiled and for a checkpoint of another run.
  History fit(const Dataset& train, const FitConfig& config);
  /// Metrics, then the mean loss and, for a custom loss, the means of its parts.
  Logs evaluate(const Dataset& dataset, const EvaluateConfig& config = {}) const;

  /// The first output, or the value asked for, for f32 samples [N,...] or one sample [...]. Throws ShapeError.
  Tensor predict(const Tensor& samples, const PredictConfig& config = {}) const;
  /// The first output as probabilities: what the loss makes of it (softmax of logits), or itself.
  Tensor probabilities(const Tensor& samples, const PredictConfig& config = {}) const;
  /// Any values of the graph, by name, for one tensor [N,...] an input.
  std::vector<Tensor> predict(std::span<const Tensor> inputs, const std::vector<std::string>& outputs) const;

  /// Keras' table of layers, shapes, parameters and connections.
  std::string summary(const SummaryConfig& config = {}) const;
  /// The part of this model up to a value; it shares the parameters.
  Model until(std::string_view name) const;

  const Graph& graph() const;
  /// A layer's output ("conv2d", for its second call "conv2d:1"), an input, or a parameter by its path. Throws UsageError that
  /// suggests the nearest name.
  Value value(std::string_view name) const;
  std::vector<std::string> value_names() const;   ///< inputs and layers, in topological order
  std::vector<std::string> input_names() const;
  std::vector<std::string> output_names() const;  ///< the layers that give the outputs
  std::vector<ParameterPtr> parameters() const override;
  int64_t count_parameters() const;
  using Layer::trainable;
  void trainable(bool learns) override;           ///< all layers
  /// All layers whose name is `prefix` or begins with `prefix/`; throws UsageError when there are none.
  void trainable(std::string_view prefix, bool learns);

  /// How images become inputs; `fit` sets it from the input's shape when it has not been set.
  const data::Preprocess& preprocess() const;
  void set_preprocess(data::Preprocess preprocess);
  const std::vector<std::string>& class_names() const;  ///< as `fit` found them in the data set
  void set_class_names(std::vector<std::string> names);
  /// Texts by name that travel with the model and are saved with it: what a foreign file or a detector says beyond the graph
  /// ("darknet/cfg", "detector").
  const std::map<std::string, std::string>& metadata() const;
  void set_metadata(const std::string& key, std::string text);  ///< UTF-8; an empty text removes the entry
  const History& history() const;                       ///< of the last fit
  const CompileConfig& configuration() const;
  const BackendPtr& backend() const;                    ///< made from the settings when first needed
  void set_backend(BackendPtr backend);                 ///< programs are made anew when next needed
  DType precision() const;                              ///< what programs compute in: as set, or as the settings say
  /// f32, bf16 or, for a model with a calibration, i8 (see CompileOptions::compute); throws UsageError.
  void set_precision(DType precision);

  /// Ranges of the activations on a set's samples. Throws NumericError for values that are not finite, and UsageError for an
  /// empty set and for a model of several inputs.
  Calibration calibrate(const Dataset& dataset, const QuantizeConfig& config = {}) const;
  /// Calibrates on one set, measures the accuracy of the first output on another one, and keeps as many layers in f32 as it
  /// takes for the drop to stay within `max_drop`. From then on the model predicts in i8; `save` keeps that.
  QuantizeReport quantize(const Dataset& dataset, const Dataset& judged, const QuantizeConfig& config = {});
  /// Null for a model that has none. `fit`, `initialise` and `load_weights` forget it: it belongs to the weights.
  const Calibration* calibration() const;
  void set_calibration(Calibration calibration);  ///< precision becomes i8
  /// A program of the first output for one batch size: what `predict` runs, for reports and measurement.
  Program& inference_program(int64_t batch) const;
  /// A training step for one batch size, with targets of `target`: for reports and measurement.
  Program training_program(int64_t batch, DType target = DType::i32) const;

  struct State;

 protected:
  Values call(nn::Build& build, const Values& inputs) const override;

 private:
  explicit Model(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

}  // namespace ocellus
