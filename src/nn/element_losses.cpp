// Losses of single elements: each is an ElementLoss with its own settings.

#include <ocellus/ops/activation.h>
#include <ocellus/ops/shape.h>

#include "nn/loss_settings.h"

namespace ocellus::loss {
namespace {

using Probabilities = std::function<Value(const Value&)>;

/// The loss `name` with these settings beside the common ones.
Loss element_wise(std::string name, const ElementLossConfig& element, bool weighted,
                  std::map<std::string, double> settings, Probabilities probabilities = nullptr) {
  expect_scalar(name, element.reduction);
  settings["reduction"] = Settings::code(element.reduction);
  settings["weighted"] = weighted;
  return Loss(
      LossSpec{.name = std::move(name),
               .settings = std::move(settings),
               .parts = {},
               .target = [weighted](const TensorType& p, DType t) { return values_and_weights(weighted, p, t); },
               .build =
                   [element, weighted](const Value& prediction, const Value& target) {
                     const int64_t channels = weighted ? prediction.shape()[1] : 0;
                     const SplitTarget split = split_target(weighted, channels, target);
                     return LossValues{ops::element_loss(prediction, split.values, element, split.weights), {}};
                   },
               .probabilities = std::move(probabilities)});
}

Reduction reduction_of(const Settings& s) { return s.choice("reduction", Reduction::mean); }

}  // namespace

TensorType values_and_weights(bool weighted, const TensorType& prediction, DType target) {
  const TensorType values = like_prediction(prediction, target);
  if (!weighted) return values;
  if (values.shape.rank() < 2)
    throw ShapeError("a weighted loss needs a prediction [N,C,...], got " + to_string(prediction));
  return {values.dtype, values.shape.with(1, 2 * values.shape[1])};
}

SplitTarget split_target(bool weighted, int64_t channels, const Value& target) {
  if (!weighted) return {target, {}};
  return {ops::slice(target, {.axis = 1, .begin = 0, .end = channels}),
          ops::slice(target, {.axis = 1, .begin = channels, .end = 2 * channels})};
}

void expect_scalar(const std::string& loss, Reduction reduction) {
  if (reduction == Reduction::none)
    throw UsageError("loss " + loss + ": what training lowers is a scalar: its reduction is mean or sum, not none");
}

Loss absolute_error(AbsoluteErrorConfig c) {
  return element_wise("absolute_error", {.kind = ElementLossKind::absolute_error, .reduction = c.reduction}, c.weighted,
                      {});
}

Loss smooth_l1(SmoothL1Config c) {
  return element_wise("smooth_l1", {.kind = ElementLossKind::smooth_l1, .threshold = c.beta, .reduction = c.reduction},
                      c.weighted, {{"beta", c.beta}});
}

Loss huber(HuberConfig c) {
  return element_wise("huber", {.kind = ElementLossKind::huber, .threshold = c.delta, .reduction = c.reduction},
                      c.weighted, {{"delta", c.delta}});
}

Loss contrastive(ContrastiveConfig c) {
  return element_wise("contrastive",
                      {.kind = ElementLossKind::contrastive, .threshold = c.margin, .reduction = c.reduction},
                      c.weighted, {{"margin", c.margin}});
}

Loss focal(FocalConfig c) {
  return element_wise("focal",
                      {.kind = ElementLossKind::focal, .alpha = c.alpha, .gamma = c.gamma, .reduction = c.reduction},
                      c.weighted, {{"alpha", c.alpha}, {"gamma", c.gamma}},
                      [](const Value& prediction) { return ops::activation(prediction, sigmoid); });
}

Loss absolute_error_from(const Settings& s) {
  return absolute_error({.reduction = reduction_of(s), .weighted = s.flag("weighted")});
}

Loss smooth_l1_from(const Settings& s) {
  return smooth_l1({.beta = s.number("beta", 1), .reduction = reduction_of(s), .weighted = s.flag("weighted")});
}

Loss huber_from(const Settings& s) {
  return huber({.delta = s.number("delta", 1), .reduction = reduction_of(s), .weighted = s.flag("weighted")});
}

Loss contrastive_from(const Settings& s) {
  return contrastive({.margin = s.number("margin", 1), .reduction = reduction_of(s), .weighted = s.flag("weighted")});
}

Loss focal_from(const Settings& s) {
  return focal({.alpha = s.number("alpha", 0.25),
                .gamma = s.number("gamma", 2),
                .reduction = reduction_of(s),
                .weighted = s.flag("weighted")});
}

}  // namespace ocellus::loss
