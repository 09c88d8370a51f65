// Focal loss of a softmax. With l = log p_y and m = 1 - p_y, a term is -a m^gamma l. Both l and m are taken from the
// log-sum-exp of the logits, m as -expm1(l), so that neither loses its digits where p_y is close to 1. As dp_y/dx_c =
// p_y (1[c = y] - p_c), the slope is (a m^gamma (gamma p_y l / m - 1)) (1[c = y] - p_c).

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include <ocellus/ops/losses.h>

#include "ops/support/weights.h"

namespace ocellus {

using namespace detail;

namespace {

void visit(AttrVisitor& v, const SoftmaxFocalConfig& c) {
  v("alpha", c.alpha);
  v("gamma", c.gamma);
  v("background", c.background);
  v("ignore_index", c.ignore_index);
  v("reduction", c.reduction);
}

/// Checks logits, targets and weights, and gives the shape of the terms.
Shape positions_of(const SoftmaxFocalConfig& c, std::span<const TensorType> inputs) {
  expect_count_or_weights(inputs, 2);
  expect_floating(inputs[0], "logits");
  const Shape& x = inputs[0].shape;
  if (x.rank() < 2 || x[1] < 1) throw ShapeError("logits need classes along dimension 1, got " + x.to_string());
  std::vector<int64_t> dims = {x[0]};
  dims.insert(dims.end(), x.begin() + 2, x.end());
  const Shape positions = shape_of(dims);
  if (inputs[1].dtype != DType::i32) throw TypeError("targets must be i32 classes, got " + to_string(inputs[1]));
  expect_shape(inputs[1], positions, "targets");
  expect_weights(inputs, 2, positions);
  if (!(c.gamma >= 0) || !(c.alpha <= 1))
    throw TypeError(fmt::format("alpha {} must be at most 1, and gamma {} at least 0", c.alpha, c.gamma));
  return positions;
}

/// What the loss says of one position.
struct Position {
  double log_total = 0;           ///< log of the sum of exp(logits)
  double log_p = 0, missing = 0;  ///< of the class that is right: log p and 1 - p
  double factor = 0;              ///< alpha (1-p)^gamma; 0 where nothing counts
};

template <class T>
class Positions {
 public:
  Positions(const SoftmaxFocalConfig& c, const Shape& logits, const T* x, const int32_t* labels)
      : c_(c), view_(logits), x_(x), labels_(labels) {}

  const ClassView& view() const { return view_; }
  bool counted(int64_t i) const { return labels_[i] != c_.ignore_index; }

  Position at(int64_t i) const {
    if (!counted(i)) return {};
    const int64_t label = labels_[i];
    if (label < 0 || label >= view_.classes)
      throw UsageError(
          fmt::format("[softmax_focal] target {} at position {} is not a class in [0,{})", label, i, view_.classes));
    const T* x = x_ + view_.base(i);
    Position p;
    p.log_total = log_sum_exp(x, view_.classes, view_.inner);
    p.log_p = std::min(0.0, x[label * view_.inner] - p.log_total);
    p.missing = -std::expm1(p.log_p);
    const double alpha = c_.alpha < 0 ? 1 : label == c_.background ? 1 - c_.alpha : c_.alpha;
    p.factor = alpha * std::pow(p.missing, c_.gamma);
    return p;
  }

 private:
  const SoftmaxFocalConfig& c_;
  ClassView view_;
  const T* x_;
  const int32_t* labels_;
};

/// The sum of the weights of the positions that count.
template <class T>
double total_weight(const Weights<T>& weights, const Positions<T>& positions) {
  return weights.sum([&](int64_t i, double weight) { return positions.counted(i) ? weight : 0; });
}

}  // namespace

void SoftmaxFocal::attrs(AttrVisitor& v) const { visit(v, config); }

Types SoftmaxFocal::infer(std::span<const TensorType> inputs) const {
  const Shape positions = positions_of(config, inputs);
  return reduced_types(inputs[0].dtype, config.reduction, positions);
}

Values SoftmaxFocal::gradient(GradCtx& ctx) const { return loss_gradient<SoftmaxFocalBackward>(ctx, config); }

void SoftmaxFocal::eval(EvalCtx& ctx) const {
  with_real(ctx.in(0), [&]<class T>(T) {
    const Positions<T> positions(config, ctx.in(0).shape(), ctx.in(0).as<T>().data(), ctx.in(1).as<int32_t>().data());
    const Weights<T> weights = weights_of<T>(ctx, 2, ctx.in(1).shape());
    reduce_terms(config.reduction, weights, total_weight(weights, positions), ctx.out().as<T>().data(), [&](int64_t i) {
      const Position p = positions.at(i);
      return -p.factor * p.log_p;
    });
  });
}

void SoftmaxFocalBackward::attrs(AttrVisitor& v) const { visit(v, config); }

Types SoftmaxFocalBackward::infer(std::span<const TensorType> inputs) const {
  const auto of_loss = without_dloss(inputs);
  const Shape positions = positions_of(config, of_loss);
  expect_dloss(inputs[0], config.reduction, positions);
  return {of_loss[0]};
}

void SoftmaxFocalBackward::eval(EvalCtx& ctx) const {
  with_real(ctx.out(), [&]<class T>(T) {
    const T* x = ctx.in(1).as<T>().data();
    const int32_t* labels = ctx.in(2).as<int32_t>().data();
    T* dx = ctx.out().as<T>().data();
    const Positions<T> positions(config, ctx.out().shape(), x, labels);
    const ClassView& view = positions.view();
    const Weights<T> weights = weights_of<T>(ctx, 3, ctx.in(2).shape());
    const auto one = [&](int64_t i, double factor) {
      const Position p = factor == 0 ? Position() : positions.at(i);
      const double ratio = p.missing > 0 ? config.gamma * std::exp(p.log_p) * p.log_p / p.missing : 0;
      const double slope = factor * p.factor * (ratio - 1);
      for (int64_t c = 0; c < view.classes; ++c) {
        const int64_t at = view.base(i) + c * view.inner;
        // A position that counts nothing has a slope of 0, and its logits may be anything.
        dx[at] = slope == 0 ? T{0} : static_cast<T>(slope * ((c == labels[i]) - std::exp(x[at] - p.log_total)));
      }
    };
    each_term_gradient(config.reduction, weights, total_weight(weights, positions), ctx.in(0).as<T>().data(), one);
  });
}

Value ops::softmax_focal(const Value& logits, const Value& targets, const SoftmaxFocalConfig& config,
                         const Value& weights) {
  SoftmaxFocal op;
  op.config = config;
  return apply(std::move(op), with_weights({logits, targets}, weights));
}

std::span<const OpEntry> ops_in_softmax_focal() {
  static const std::array entries = {op_entry<SoftmaxFocal>(), op_entry<SoftmaxFocalBackward>()};
  return entries;
}

}  // namespace ocellus
