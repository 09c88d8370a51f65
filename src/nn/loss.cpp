#include <ocellus/nn/loss.h>

#include <fmt/format.h>

#include <ocellus/ops/activation.h>
#include <ocellus/ops/softmax.h>

namespace ocellus::loss {
namespace {

/// Targets that must look like the prediction.
TensorType like_prediction(const TensorType& prediction, DType target) {
  if (!is_floating(target))
    throw TypeError(fmt::format("this loss needs f32 targets of shape {}, the data set has {}",
                                prediction.shape.to_string(), to_string(target)));
  return {DType::f32, prediction.shape};
}

TensorType classes_or_distribution(const TensorType& prediction, DType target) {
  if (prediction.shape.rank() < 2)
    throw ShapeError("softmax_cross_entropy needs logits [N,C,...], got " + to_string(prediction));
  if (is_floating(target)) return {DType::f32, prediction.shape};
  std::vector<int64_t> dims = {prediction.shape[0]};
  for (size_t i = 2; i < prediction.shape.rank(); ++i) dims.push_back(prediction.shape[i]);
  return {DType::i32, Shape(std::span<const int64_t>(dims))};
}

double setting(const std::map<std::string, double>& settings, const std::string& key, double fallback) {
  const auto it = settings.find(key);
  return it == settings.end() ? fallback : it->second;
}

}  // namespace

Loss softmax_cross_entropy(SoftmaxCrossEntropyConfig config) {
  return Loss(LossSpec{
      .name = "softmax_cross_entropy",
      .settings = {{"smoothing", config.smoothing}, {"ignore_index", static_cast<double>(config.ignore_index)}},
      .parts = {},
      .target = classes_or_distribution,
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
  if (name == "softmax_cross_entropy")
    return softmax_cross_entropy({.smoothing = setting(settings, "smoothing", 0),
                                  .ignore_index = static_cast<int64_t>(setting(settings, "ignore_index", -100))});
  if (name == "sigmoid_cross_entropy") return sigmoid_cross_entropy();
  if (name == "squared_error") return squared_error();
  throw UsageError("unknown loss \"" + name + "\"; known: softmax_cross_entropy, sigmoid_cross_entropy, squared_error");
}

}  // namespace ocellus::loss
