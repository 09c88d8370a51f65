#include <ocellus/nn/loss.h>

#include <algorithm>

#include <fmt/format.h>

#include <ocellus/ops/activation.h>
#include <ocellus/ops/softmax.h>

#include "nn/loss_settings.h"

namespace ocellus::loss {

TensorType like_prediction(const TensorType& prediction, DType target) {
  if (!is_floating(target))
    throw TypeError(fmt::format("this loss needs f32 targets of shape {}, the data set has {}",
                                prediction.shape.to_string(), to_string(target)));
  return {DType::f32, prediction.shape};
}

TensorType classes_or_distribution(std::string_view loss, const TensorType& prediction, DType target) {
  if (prediction.shape.rank() < 2)
    throw ShapeError(fmt::format("{} needs a prediction [N,C,...], got {}", loss, to_string(prediction)));
  if (is_floating(target)) return {DType::f32, prediction.shape};
  std::vector<int64_t> dims = {prediction.shape[0]};
  for (size_t i = 2; i < prediction.shape.rank(); ++i) dims.push_back(prediction.shape[i]);
  return {DType::i32, Shape(std::span<const int64_t>(dims))};
}

namespace {

/// A loss of the library, and what makes it again from its settings.
struct Entry {
  std::string_view name;
  Loss (*make)(const Settings&);
};

constexpr Entry library[] = {
    {"absolute_error", absolute_error_from},
    {"contrastive", contrastive_from},
    {"dice", dice_from},
    {"focal", focal_from},
    {"huber", huber_from},
    {"multi_part", multi_part_from},
    {"sigmoid_cross_entropy", [](const Settings&) { return sigmoid_cross_entropy(); }},
    {"smooth_l1", smooth_l1_from},
    {"softmax_cross_entropy",
     [](const Settings& s) {
       return softmax_cross_entropy({.smoothing = s.number("smoothing", 0),
                                     .ignore_index = static_cast<int64_t>(s.number("ignore_index", -100))});
     }},
    {"softmax_focal", softmax_focal_from},
    {"squared_error", [](const Settings&) { return squared_error(); }},
    {"triplet", triplet_from},
};

/// The library's loss of that name, or null.
const Entry* find(std::string_view name) {
  const auto* it = std::ranges::find(library, name, &Entry::name);
  return it == std::end(library) ? nullptr : it;
}

}  // namespace

Loss softmax_cross_entropy(SoftmaxCrossEntropyConfig config) {
  return Loss(LossSpec{
      .name = "softmax_cross_entropy",
      .settings = {{"smoothing", config.smoothing}, {"ignore_index", static_cast<double>(config.ignore_index)}},
      .parts = {},
      .target = [](const TensorType& p, DType t) { return classes_or_distribution("softmax_cross_entropy", p, t); },
      .build =
          [config](const Value& prediction, const Value& target) {
            const ops::CrossEntropyConfig c{.smoothing = config.smoothing, .ignore_index = config.ignore_index};
            return LossValues{ops::softmax_cross_entropy(prediction, target, c).front(), {}};
          },
      .probabilities = [](const Value& prediction) { return ops::softmax(prediction); }});
}

Loss sigmoid_cross_entropy() {
  return Loss(LossSpec{.name = "sigmoid_cross_entropy",
                       .settings = {},
                       .parts = {},
                       .target = like_prediction,
                       .build =
                           [](const Value& prediction, const Value& target) {
                             return LossValues{ops::sigmoid_cross_entropy(prediction, target), {}};
                           },
                       .probabilities = [](const Value& prediction) { return ops::activation(prediction, sigmoid); }});
}

Loss squared_error() {
  return Loss(LossSpec{.name = "squared_error",
                       .settings = {},
                       .parts = {},
                       .target = like_prediction,
                       .build =
                           [](const Value& prediction, const Value& target) {
                             return LossValues{ops::squared_error(prediction, target), {}};
                           },
                       .probabilities = nullptr});
}

Loss custom(CustomConfig config) {
  if (!config.loss.fn) throw UsageError("a custom loss needs a function");
  if (find(config.loss.name) != nullptr)
    throw UsageError(
        fmt::format("a custom loss can't be called \"{}\": a saved model would be loaded with the library's "
                    "loss of that name",
                    config.loss.name));
  return Loss(LossSpec{.name = config.loss.name,
                       .settings = {},
                       .parts = config.loss.parts,
                       .target = config.target ? std::move(config.target) : like_prediction,
                       .build =
                           [loss = config.loss](const Value& prediction, const Value& target) {
                             const Values values = host_loss(loss, prediction, {target});
                             return LossValues{values[0], values[1]};
                           },
                       .probabilities = nullptr});
}

Loss make(const std::string& name, const std::map<std::string, double>& settings) {
  if (const Entry* entry = find(name)) return entry->make(Settings(name, settings));
  std::vector<std::string_view> known;
  for (const Entry& entry : library) known.push_back(entry.name);
  throw UsageError(fmt::format("unknown loss \"{}\"; known: {}", name, fmt::join(known, ", ")));
}

}  // namespace ocellus::loss
