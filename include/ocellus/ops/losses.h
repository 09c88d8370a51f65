// Losses with weights, and with their terms left alone where that is wanted. No gradient flows to targets or weights.
//
// Weights are a number for each term: a mask of zeros and ones, or any numbers. They are broadcast to the terms. A mean is
// over the weights: the sum of weight times term divided by the sum of the weights, and 0 where that is 0.
#pragma once

#include <ocellus/ops/softmax.h>

namespace ocellus {

/// A loss of each element, with x the prediction, t the target and d = x - t:
///   squared_error          d^2
///   absolute_error         |d|
///   smooth_l1              d^2 / (2 beta) below |d| = beta, and |d| - beta/2 beyond (Girshick 2015, with beta 1)
///   huber                  d^2 / 2 below |d| = delta, and delta (|d| - delta/2) beyond (Huber 1964)
///   sigmoid_cross_entropy  -t log p - (1-t) log(1-p) with p = sigmoid(x), t in [0,1]
///   focal                  the same times (1-p_t)^gamma and alpha_t, where p_t = p for t = 1 and 1-p for t = 0, and alpha_t
///                          is alpha or 1-alpha (Lin et al., "Focal loss for dense object detection", 2017)
///   contrastive            t x^2 + (1-t) max(0, margin - x)^2 of a distance x, t = 1 for a pair of one kind (Hadsell et al.
///                          2006)
///   log_likelihood         -t x of a logarithm of a probability x
enum class ElementLossKind : uint8_t {
  squared_error,
  absolute_error,
  smooth_l1,
  huber,
  sigmoid_cross_entropy,
  focal,
  contrastive,
  log_likelihood
};
OCELLUS_API std::span<const std::string_view> enum_names(ElementLossKind);

struct ElementLossConfig {
  ElementLossKind kind = ElementLossKind::squared_error;
  double threshold = 1;  ///< beta of smooth_l1, delta of huber, margin of contrastive
  double alpha = 0.25;   ///< of focal; a negative one weighs both classes alike
  double gamma = 2;      ///< of focal
  Reduction reduction = Reduction::mean;
};

/// Inputs: prediction, target (of one shape), and weights or none. Output: the loss, or with reduction none its terms, in
/// the prediction's shape.
class OCELLUS_API ElementLoss final : public Op {
 public:
  ElementLossConfig config;

  std::string_view name() const override { return "element_loss"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

/// Inputs: dloss, and those of ElementLoss.
class OCELLUS_API ElementLossBackward final : public Op {
 public:
  ElementLossConfig config;

  std::string_view name() const override { return "element_loss_backward"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

struct SoftmaxFocalConfig {
  double alpha = -1;  ///< weight of every class but the background, which weighs 1-alpha; negative: all weigh 1
  double gamma = 2;
  int64_t background = 0;       ///< the class that alpha sets apart
  int64_t ignore_index = -100;  ///< a class that counts nothing
  Reduction reduction = Reduction::mean;
};

/// Focal loss of a softmax: -alpha_y (1-p_y)^gamma log p_y with p = softmax(logits) and y the class (Lin et al. 2017).
/// Inputs: logits [N,C,...], targets i32 [N,...], and weights (broadcast to [N,...]) or none. Output: the loss, or with
/// reduction none its terms [N,...]. A class outside [0,C) is a UsageError.
class OCELLUS_API SoftmaxFocal final : public Op {
 public:
  SoftmaxFocalConfig config;

  std::string_view name() const override { return "softmax_focal"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

/// Inputs: dloss, and those of SoftmaxFocal.
class OCELLUS_API SoftmaxFocalBackward final : public Op {
 public:
  SoftmaxFocalConfig config;

  std::string_view name() const override { return "softmax_focal_backward"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

struct DiceConfig {
  double smooth = 1;        ///< added above and below the line: an empty target that is found empty costs nothing
  bool squared = false;     ///< squares below the line, as in V-Net
  bool over_batch = false;  ///< one term for each class, over all samples
  Reduction reduction = Reduction::mean;
};

/// 1 - (2 sum p t + smooth) / (sum p + sum t + smooth), for each class of each sample: soft Dice (Milletari et al.,
/// "V-Net", 2016). Inputs: probabilities p [N,C,...], targets t in [0,1] of that shape, and weights of the elements
/// (broadcast to that shape) or none. Output: the loss, or with reduction none its terms [N,C], or [C] over the batch.
class OCELLUS_API Dice final : public Op {
 public:
  DiceConfig config;

  std::string_view name() const override { return "dice"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

/// Inputs: dloss, and those of Dice.
class OCELLUS_API DiceBackward final : public Op {
 public:
  DiceConfig config;

  std::string_view name() const override { return "dice_backward"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.full_precision = true}; }
};

namespace ops {
/// `weights` may be an empty Value, here and below.
OCELLUS_API Value element_loss(const Value& prediction, const Value& target, const ElementLossConfig& config,
                               const Value& weights = {});
OCELLUS_API Value softmax_focal(const Value& logits, const Value& targets, const SoftmaxFocalConfig& config = {},
                                const Value& weights = {});
OCELLUS_API Value dice(const Value& probabilities, const Value& targets, const DiceConfig& config = {},
                       const Value& weights = {});
}  // namespace ops

}  // namespace ocellus
