// Cross-entropy of a softmax with the targets q: the sum over the classes of q_c (log sum_j exp(x_j) - x_c), where q is
// a class's one-hot distribution or the one given, mixed with the uniform one by the smoothing. Written so, no
// probability is ever rounded to 0 before its logarithm is taken; the loss adds up in double.

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include <ocellus/graph/parameter.h>
#include <ocellus/ops/softmax.h>

#include "ops/support/arguments.h"
#include "ops/support/loss.h"

namespace ocellus {
namespace {

using detail::ClassView;

void expect_targets(const TensorType& logits, const TensorType& targets) {
  const Shape& x = logits.shape;
  if (x.rank() < 2 || x[1] < 1) throw ShapeError("logits need classes along dimension 1, got " + x.to_string());
  std::vector<int64_t> positions = {x[0]};
  for (size_t i = 2; i < x.rank(); ++i) positions.push_back(x[i]);
  const TensorType classes{DType::i32, detail::shape_of(positions)}, distribution = logits;
  if (targets == classes || targets == distribution) return;
  const std::string message =
      fmt::format("logits {} take classes {} or distributions {}, got targets {}", to_string(logits),
                  to_string(classes), to_string(distribution), to_string(targets));
  if (targets.dtype != DType::i32 && targets.dtype != logits.dtype) throw TypeError(message);
  throw ShapeError(message);
}

/// The targets of one position.
template <class T>
class Target {
 public:
  /// Of a class; -1 for a position that counts nothing.
  explicit Target(int64_t label) : label_(label) {}
  /// Of a distribution with its stride.
  Target(const T* given, int64_t stride) : given_(given), stride_(stride) {}

  bool counts() const { return given_ != nullptr || label_ >= 0; }
  double operator()(int64_t c, int64_t classes, double smoothing) const {
    const double q = given_ != nullptr ? double{given_[c * stride_]} : c == label_ ? 1.0 : 0.0;
    return (1 - smoothing) * q + smoothing / static_cast<double>(classes);
  }

 private:
  int64_t label_ = -1;
  const T* given_ = nullptr;
  int64_t stride_ = 1;
};

template <class T>
class Targets {
 public:
  Targets(const Tensor& tensor, const ClassView& view, int64_t ignore_index)
      : view_(view), ignore_index_(ignore_index) {
    if (tensor.dtype() == DType::i32)
      labels_ = tensor.as<int32_t>().data();
    else
      given_ = tensor.as<T>().data();
  }

  /// The target of one position; throws UsageError for a label that is no class.
  Target<T> at(int64_t position) const {
    if (given_ != nullptr) return Target<T>(given_ + view_.base(position), view_.inner);
    const int64_t label = labels_[position];
    if (label == ignore_index_) return Target<T>(-1);
    if (label < 0 || label >= view_.classes)
      throw UsageError(fmt::format("[softmax_cross_entropy] target {} at position {} is not a class in [0,{})", label,
                                   position, view_.classes));
    return Target<T>(label);
  }

  /// How many positions count.
  int64_t count() const {
    if (labels_ == nullptr) return view_.positions();
    return view_.positions() - std::count(labels_, labels_ + view_.positions(), ignore_index_);
  }

 private:
  const ClassView& view_;
  int64_t ignore_index_;
  const int32_t* labels_ = nullptr;
  const T* given_ = nullptr;
};

template <class Op>
void visit(AttrVisitor& v, const Op& op) {
  v("smoothing", op.smoothing);
  v("ignore_index", op.ignore_index);
  v("reduction", op.reduction);
}

}  // namespace

void SoftmaxCrossEntropy::attrs(AttrVisitor& v) const { visit(v, *this); }

Types SoftmaxCrossEntropy::infer(std::span<const TensorType> inputs) const {
  detail::expect_scalar_reduction(reduction);
  detail::expect_count(inputs, 2);
  detail::expect_floating(inputs.first(1));
  expect_targets(inputs[0], inputs[1]);
  if (!(smoothing >= 0 && smoothing <= 1))
    throw UsageError(fmt::format("[softmax_cross_entropy] smoothing {} must be in [0,1]", smoothing));
  return {{inputs[0].dtype, {}}, inputs[0]};
}

Values SoftmaxCrossEntropy::gradient(GradCtx& ctx) const {
  Values parts;
  if (ctx.dout(0)) {
    SoftmaxCrossEntropyBackward op;
    op.smoothing = smoothing;
    op.ignore_index = ignore_index;
    op.reduction = reduction;
    parts.push_back(apply(std::move(op), {ctx.dout(0), ctx.out(1), ctx.in(1)}));
  }
  if (ctx.dout(1)) parts.push_back(apply(SoftmaxBackward(), {ctx.dout(1), ctx.out(1)}));
  return {add_n(std::move(parts)), {}};
}

void SoftmaxCrossEntropy::eval(EvalCtx& ctx) const {
  const ClassView view(ctx.in(0).shape());
  const int64_t step = view.inner;
  with_real(ctx.in(0), [&]<class T>(T) {
    const Targets<T> targets(ctx.in(1), view, ignore_index);
    double loss = 0;
    for (int64_t p = 0; p < view.positions(); ++p) {
      const T* x = ctx.in(0).as<T>().data() + view.base(p);
      T* probabilities = ctx.out(1).as<T>().data() + view.base(p);
      const Target<T> target = targets.at(p);
      const double total = detail::log_sum_exp(x, view.classes, step);
      for (int64_t c = 0; c < view.classes; ++c) {
        const double log_p = x[c * step] - total;
        probabilities[c * step] = static_cast<T>(std::exp(log_p));
        const double q = target.counts() ? target(c, view.classes, smoothing) : 0.0;
        if (q != 0) loss -= q * log_p;  // a class of probability 0 costs nothing where the target has none of it
      }
    }
    ctx.out(0).as<T>()[0] = static_cast<T>(loss * detail::term_weight(reduction, targets.count()));
  });
}

void SoftmaxCrossEntropyBackward::attrs(AttrVisitor& v) const { visit(v, *this); }

Types SoftmaxCrossEntropyBackward::infer(std::span<const TensorType> inputs) const {
  detail::expect_count(inputs, 3);
  detail::expect_floating(inputs.first(2));
  detail::expect_scalar_loss(inputs[0]);
  expect_targets(inputs[1], inputs[2]);
  return {inputs[1]};
}

void SoftmaxCrossEntropyBackward::eval(EvalCtx& ctx) const {
  const ClassView view(ctx.out().shape());
  const int64_t step = view.inner;
  with_real(ctx.out(), [&]<class T>(T) {
    const Targets<T> targets(ctx.in(2), view, ignore_index);
    const double weight = ctx.in(0).as<T>()[0] * detail::term_weight(reduction, targets.count());
    for (int64_t position = 0; position < view.positions(); ++position) {
      const T* p = ctx.in(1).as<T>().data() + view.base(position);
      T* dx = ctx.out().as<T>().data() + view.base(position);
      const Target<T> target = targets.at(position);
      double mass = 0;  // 1 for a distribution; the gradient is exact for any weights
      for (int64_t c = 0; target.counts() && c < view.classes; ++c) mass += target(c, view.classes, smoothing);
      for (int64_t c = 0; c < view.classes; ++c)
        dx[c * step] =
            target.counts() ? static_cast<T>((p[c * step] * mass - target(c, view.classes, smoothing)) * weight) : T{0};
    }
  });
}

Values ops::softmax_cross_entropy(const Value& logits, const Value& targets, const CrossEntropyConfig& config) {
  auto op = std::make_shared<SoftmaxCrossEntropy>();
  op->smoothing = config.smoothing;
  op->ignore_index = config.ignore_index;
  op->reduction = config.reduction;
  return emit(std::move(op), {logits, targets});
}

std::span<const OpEntry> ops_in_softmax_cross_entropy() {
  static const std::array entries = {op_entry<SoftmaxCrossEntropy>(), op_entry<SoftmaxCrossEntropyBackward>()};
  return entries;
}

}  // namespace ocellus
