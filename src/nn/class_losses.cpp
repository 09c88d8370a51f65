// Losses of whole classes: focal loss of a softmax, and soft Dice.

#include <array>

#include <ocellus/graph/parameter.h>
#include <ocellus/ops/activation.h>
#include <ocellus/ops/cast.h>
#include <ocellus/ops/indexing.h>
#include <ocellus/ops/select.h>
#include <ocellus/ops/shape.h>

#include "nn/loss_settings.h"

namespace ocellus::loss {
namespace {

Value probabilities_of(DiceActivation activation, const Value& prediction) {
  switch (activation) {
    case DiceActivation::sigmoid: return ops::activation(prediction, sigmoid);
    case DiceActivation::softmax: return ops::softmax(prediction);
    case DiceActivation::none: break;
  }
  return prediction;
}

/// [N,...] as [N,1,...].
Value with_channel(const Value& v) {
  std::vector<int64_t> dims = {-1, 1};
  dims.insert(dims.end(), v.shape().begin() + 1, v.shape().end());
  return ops::reshape(v, std::move(dims));
}

/// Classes [N,...] as [N,C,...] of zeros and ones (of a prediction with a single channel they are zeros and ones already),
/// and as weights [N,1,...] whether they count.
SplitTarget spread_classes(const Value& classes, int64_t channels, int64_t ignore_index) {
  const auto index = static_cast<int32_t>(ignore_index);
  const Value counts = ops::not_equal(classes, constant(Tensor::of<int32_t>({}, {index})));
  return {channels == 1 ? with_channel(ops::cast(classes, DType::f32))
                        : ops::one_hot(classes, {.depth = channels, .axis = 1}),
          with_channel(ops::cast(counts, DType::f32))};
}

TensorType dice_target(bool weighted, const TensorType& prediction, DType target) {
  if (weighted && is_floating(target)) return values_and_weights(true, prediction, target);
  if (weighted) throw TypeError("dice with weights needs f32 targets, the data set has classes");
  return classes_or_distribution("dice", prediction, target);
}

}  // namespace

std::span<const std::string_view> enum_names(DiceActivation) {
  static constexpr std::array<std::string_view, 3> names = {"none", "sigmoid", "softmax"};
  return names;
}

Loss softmax_focal(SoftmaxFocalConfig config) {
  expect_scalar("softmax_focal", config.reduction);
  return Loss(LossSpec{.name = "softmax_focal",
                       .settings = {{"alpha", config.alpha},
                                    {"gamma", config.gamma},
                                    {"background", static_cast<double>(config.background)},
                                    {"ignore_index", static_cast<double>(config.ignore_index)},
                                    {"reduction", Settings::code(config.reduction)}},
                       .parts = {},
                       .target =
                           [](const TensorType& prediction, DType target) {
                             if (is_floating(target))
                               throw TypeError("softmax_focal needs classes, the data set has f32 targets");
                             return classes_or_distribution("softmax_focal", prediction, target);
                           },
                       .build =
                           [config](const Value& prediction, const Value& target) {
                             return LossValues{ops::softmax_focal(prediction, target, config), {}};
                           },
                       .probabilities = [](const Value& prediction) { return ops::softmax(prediction); }});
}

Loss softmax_focal_from(const Settings& s) {
  return softmax_focal({.alpha = s.number("alpha", -1),
                        .gamma = s.number("gamma", 2),
                        .background = static_cast<int64_t>(s.number("background", 0)),
                        .ignore_index = static_cast<int64_t>(s.number("ignore_index", -100)),
                        .reduction = s.choice("reduction", Reduction::mean)});
}

Loss dice(DiceLossConfig config) {
  const DiceConfig op{.smooth = config.smooth, .squared = config.squared, .over_batch = config.over_batch};
  LossSpec spec{
      .name = "dice",
      .settings = {{"activation", Settings::code(config.activation)},
                   {"smooth", config.smooth},
                   {"squared", config.squared},
                   {"over_batch", config.over_batch},
                   {"ignore_index", static_cast<double>(config.ignore_index)},
                   {"weighted", config.weighted}},
      .parts = {},
      .target = [weighted = config.weighted](const TensorType& p, DType t) { return dice_target(weighted, p, t); },
      .build =
          [op, config](const Value& prediction, const Value& target) {
            const int64_t channels = prediction.shape()[1];
            const SplitTarget split = is_floating(target.dtype())
                                          ? split_target(config.weighted, channels, target)
                                          : spread_classes(target, channels, config.ignore_index);
            const Value probabilities = probabilities_of(config.activation, prediction);
            return LossValues{ops::dice(probabilities, split.values, op, split.weights), {}};
          },
      .probabilities = nullptr};
  if (config.activation != DiceActivation::none)
    spec.probabilities = [activation = config.activation](const Value& v) { return probabilities_of(activation, v); };
  return Loss(std::move(spec));
}

Loss dice_from(const Settings& s) {
  return dice({.activation = s.choice("activation", DiceActivation::sigmoid),
               .smooth = s.number("smooth", 1),
               .squared = s.flag("squared"),
               .over_batch = s.flag("over_batch"),
               .ignore_index = static_cast<int64_t>(s.number("ignore_index", -100)),
               .weighted = s.flag("weighted")});
}

}  // namespace ocellus::loss
