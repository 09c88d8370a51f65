// What a model is asked to do, as structs for designated initialisers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <ocellus/data/augment.h>
#include <ocellus/data/dataset.h>
#include <ocellus/engine/backend.h>
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

struct SummaryConfig {
  bool costs = false;           ///< multiply-accumulates and activation bytes per sample as well
  bool channels_first = false;  ///< shapes as the engine has them, instead of Keras' channels last
};

}  // namespace ocellus
