// What a model is asked to do, as structs for designated initialisers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ocellus/data/augment.h>
#include <ocellus/data/dataset.h>
#include <ocellus/engine/calibration.h>
#include <ocellus/nn/loss.h>
#include <ocellus/train/callback.h>
#include <ocellus/train/metric.h>
#include <ocellus/train/optimizer.h>
#include <ocellus/train/schedule.h>

namespace ocellus {

struct ModelConfig {
  std::string name = "model";
  uint64_t seed = 0;  ///< of the parameters that nothing has filled yet
};

/// How a model learns and is judged.
struct CompileConfig {
  Handle<optim::Optimizer> optimizer = optim::Adam();
  Loss loss = {};
  std::vector<Handle<metric::Metric>> metrics = {};  ///< of the first output
  std::vector<double> loss_weights = {};             ///< one an output, all with the same target; empty: 1 each
  BackendPtr backend = nullptr;                      ///< null: what the settings say (base/settings.h)
  std::optional<DType> precision = {};               ///< f32 or bf16, with f32 masters; empty: as `set_precision` or the settings say
  size_t memory_limit = 0;                           ///< of training (see CompileOptions::memory_limit); 0: none
};

/// A run of training.
struct FitConfig {
  int64_t epochs = 1;
  int64_t batch = 32;
  const Dataset* validation = nullptr;
  std::vector<Handle<callback::Callback>> callbacks = {};
  Handle<schedule::Schedule> schedule = {};       ///< empty: a constant learning rate
  std::vector<data::Augment> augment = {};        ///< of training samples, before preprocessing
  bool shuffle = true;
  uint64_t seed = 0;                              ///< of order, augmentation and dropout
  int workers = -1;                               ///< of the loaders; -1: as many as make sense
  bool progress = true;                           ///< Keras' lines on standard output
  std::filesystem::path checkpoint = {};          ///< written after each epoch and when `stop` asks, if given
  bool resume = false;                            ///< go on from `checkpoint`, if that file exists
  std::function<bool()> stop = {};                ///< asked after each step: true ends the run, which can be resumed there
};

/// A pass over a data set with known targets.
struct EvaluateConfig {
  int64_t batch = 100;
  int workers = -1;
  /// Sees each batch's first output and targets: for confusion matrices and the like.
  std::function<void(const Tensor& predictions, const Tensor& targets)> observer = {};
  std::function<void(int64_t batch, int64_t batches, const Logs& logs)> progress = {};
};

struct PredictConfig {
  int64_t batch = 64;   ///< samples computed at once
  std::string output;   ///< a value of the graph by name; empty: the first output
};

/// Putting a trained model into bytes.
struct QuantizeConfig {
  CalibrationConfig calibration = {};
  int64_t samples = 512;  ///< of the calibration set, spread evenly; 0: all
  int64_t judged = 0;     ///< of the set that accuracy is measured on; 0: all
  int64_t batch = 16;
  int workers = -1;
  double max_drop = 0.5;  ///< points of accuracy that may be lost
  std::function<void(std::string_view what)> progress = {};  ///< called before each step
};

struct QuantizedLayer {
  std::string name;
  double error = 0;   ///< squared change of the output, relative to its square, with this layer alone in bytes; NaN: not measured
  bool wide = false;  ///< stays f32
};

/// What became of `Model::quantize`: accuracies from 0 to 1.
struct QuantizeReport {
  double f32 = 0;     ///< before
  double i8 = 0;      ///< with every layer in bytes
  double result = 0;  ///< with some of them back in f32
  int64_t judged = 0;                  ///< samples
  std::vector<QuantizedLayer> layers;  ///< in order of computation, or of error where that was measured, the largest first
};

struct SummaryConfig {
  bool costs = false;           ///< multiply-accumulates and activation bytes per sample as well
  bool channels_first = false;  ///< shapes as the engine has them, instead of Keras' channels last
};

}  // namespace ocellus
