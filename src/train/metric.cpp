#include <ocellus/train/metric.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include <ocellus/base/error.h>

namespace ocellus::metric {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Index of the largest value, the first of equals; NaNs are passed over, and -1 means that there is nothing else.
int64_t argmax(std::span<const float> values) {
  int64_t best = -1;
  for (size_t i = 0; i < values.size(); ++i)
    if (!std::isnan(values[i]) && (best < 0 || values[i] > values[static_cast<size_t>(best)]))
      best = static_cast<int64_t>(i);
  return best;
}

/// A batch whose tensors have been checked against each other: rows of predictions with label and weight.
class Batch {
 public:
  Batch(const std::string& who, const Tensor& predictions, const Tensor& targets, const Tensor& weights, int64_t ignore)
      : who_(who), ignore_(ignore) {
    const Shape& p = predictions.shape();
    if (p.rank() != 2) throw ShapeError(who, "", "predictions must be [N,K], got " + p.to_string());
    samples_ = p[0];
    classes_ = p[1];
    scores_ = predictions.as<float>();
    const Shape& t = targets.shape();
    const bool soft = targets.dtype() == DType::f32;
    const bool fits = soft ? t == p : t == Shape{samples_} || t == Shape{samples_, 1};
    if (!fits)
      throw ShapeError(who, "",
                       fmt::format("predictions {} and {} targets {} don't fit", p.to_string(),
                                   to_string(targets.dtype()), t.to_string()));
    if (soft)
      soft_ = targets.as<float>();
    else
      labels_ = targets.as<int32_t>();
    if (weights) {
      if (weights.numel() != samples_)
        throw ShapeError(who, "", fmt::format("{} samples, but weights {}", samples_, weights.shape().to_string()));
      weights_ = weights.as<float>();
    }
  }

  int64_t samples() const { return samples_; }
  int64_t classes() const { return classes_; }
  std::span<const float> scores(int64_t i) const { return row(scores_, i); }
  double weight(int64_t i) const {
    return weights_.empty() ? 1 : static_cast<double>(weights_[static_cast<size_t>(i)]);
  }

  /// The class of sample i, or nothing when it is to be ignored.
  std::optional<int64_t> label(int64_t i) const {
    const int64_t label = labels_.empty() ? argmax(row(soft_, i)) : labels_[static_cast<size_t>(i)];
    if (!labels_.empty() && label == ignore_) return std::nullopt;
    if (label < 0 || label >= classes_)
      throw UsageError(fmt::format("{}: label {} of sample {} is none of the {} classes", who_, label, i, classes_));
    return label;
  }

 private:
  std::span<const float> row(std::span<const float> all, int64_t i) const {
    return all.subspan(static_cast<size_t>(i * classes_), static_cast<size_t>(classes_));
  }

  const std::string& who_;
  int64_t ignore_;
  int64_t samples_ = 0, classes_ = 0;
  std::span<const float> scores_, soft_, weights_;
  std::span<const int32_t> labels_;
};

/// Whether `label` is among the k largest scores; of equal ones the first come first.
bool among_best(std::span<const float> scores, int64_t label, int64_t k) {
  const size_t l = static_cast<size_t>(label);
  const float score = scores[l];
  if (std::isnan(score)) return false;
  int64_t before = 0;
  for (size_t i = 0; i < scores.size(); ++i) before += scores[i] > score || (scores[i] == score && i < l);
  return before < k;
}

class TopK final : public Metric {
 public:
  TopK(std::string name, int64_t k, ClassConfig config) : name_(std::move(name)), k_(k), config_(config) {
    if (k < 1) throw UsageError(fmt::format("top_k: k must be 1 or more, got {}", k));
  }
  std::string name() const override { return name_; }
  void update(const Tensor& predictions, const Tensor& targets, const Tensor& weights) override {
    const Batch batch(name_, predictions, targets, weights, config_.ignore_index);
    for (int64_t i = 0; i < batch.samples(); ++i)
      if (const auto label = batch.label(i))
        mean_.add(among_best(batch.scores(i), *label, k_) ? 1 : 0, batch.weight(i));
  }
  double value() const override { return mean_.value(); }
  void reset() override { mean_.reset(); }
  std::unique_ptr<Metric> clone() const override { return std::make_unique<TopK>(*this); }
  std::vector<double> state() const override { return mean_.state(); }
  void restore(std::span<const double> state) override { mean_.restore(state); }

 private:
  std::string name_;
  int64_t k_;
  ClassConfig config_;
  Mean mean_;
};

class MacroF1 final : public Metric {
 public:
  explicit MacroF1(ClassConfig config) : config_(config) {}
  std::string name() const override { return "macro_f1"; }
  void update(const Tensor& predictions, const Tensor& targets, const Tensor& weights) override {
    if (!matrix_ && predictions.shape().rank() == 2)
      matrix_.emplace(predictions.shape()[1], std::vector<std::string>{}, config_);
    if (!matrix_) throw ShapeError(name(), "", "predictions must be [N,K], got " + predictions.shape().to_string());
    matrix_->update(predictions, targets, weights);
  }
  double value() const override { return matrix_ ? matrix_->macro_f1() : nan; }
  void reset() override { matrix_.reset(); }
  std::unique_ptr<Metric> clone() const override { return std::make_unique<MacroF1>(*this); }
  std::vector<double> state() const override { return matrix_ ? matrix_->counts() : std::vector<double>{}; }
  void restore(std::span<const double> state) override {
    matrix_.reset();
    if (state.empty()) return;
    matrix_.emplace(std::llround(std::sqrt(static_cast<double>(state.size()))), std::vector<std::string>{}, config_);
    matrix_->set_counts({state.begin(), state.end()});
  }

 private:
  ClassConfig config_;
  std::optional<ConfusionMatrix> matrix_;
};

}  // namespace

Metric::~Metric() = default;

Handle<Metric> accuracy(ClassConfig config) { return TopK("accuracy", 1, config); }
Handle<Metric> top_k(int64_t k, ClassConfig config) { return TopK(fmt::format("top_{}", k), k, config); }
Handle<Metric> macro_f1(ClassConfig config) { return MacroF1(config); }

void Mean::add(double value, double weight) {
  if (weight == 0) return;  // a padded sample's value may be NaN
  sum_ += value * weight;
  weight_ += weight;
}
void Mean::restore(std::span<const double> state) {
  if (state.size() != 2) throw UsageError(fmt::format("a mean is restored from 2 numbers, got {}", state.size()));
  sum_ = state[0];
  weight_ = state[1];
}
double Mean::value() const { return weight_ > 0 ? sum_ / weight_ : nan; }

ConfusionMatrix::ConfusionMatrix(int64_t classes, std::vector<std::string> names, ClassConfig config)
    : classes_(classes), names_(std::move(names)), config_(config) {
  if (classes < 1 || classes > 100'000)
    throw UsageError(fmt::format("confusion matrix: the number of classes must lie from 1 to 100000, got {}", classes));
  if (names_.empty())
    for (int64_t c = 0; c < classes; ++c) names_.push_back(std::to_string(c));
  if (static_cast<int64_t>(names_.size()) != classes)
    throw UsageError(fmt::format("confusion matrix: {} names for {} classes", names_.size(), classes));
  counts_.resize(static_cast<size_t>(classes * classes));
}

void ConfusionMatrix::update(const Tensor& predictions, const Tensor& targets, const Tensor& weights) {
  const std::string who = "confusion matrix";
  const Batch batch(who, predictions, targets, weights, config_.ignore_index);
  if (batch.classes() != classes_)
    throw ShapeError(who, "",
                     fmt::format("has {} classes, got predictions {}", classes_, predictions.shape().to_string()));
  for (int64_t i = 0; i < batch.samples(); ++i) {
    const auto label = batch.label(i);
    const int64_t predicted = argmax(batch.scores(i));
    if (label && predicted >= 0) add(*label, predicted, batch.weight(i));
  }
}

void ConfusionMatrix::add(int64_t actual, int64_t predicted, double weight) {
  for (const int64_t c : {actual, predicted})
    if (c < 0 || c >= classes_)
      throw UsageError(fmt::format("confusion matrix: {} is none of the {} classes", c, classes_));
  counts_[static_cast<size_t>(actual * classes_ + predicted)] += weight;
}

void ConfusionMatrix::set_counts(std::vector<double> counts) {
  if (counts.size() != counts_.size())
    throw UsageError(fmt::format("confusion matrix: {} counts for {} classes", counts.size(), classes_));
  counts_ = std::move(counts);
}

void ConfusionMatrix::reset() { std::ranges::fill(counts_, 0.0); }

double ConfusionMatrix::count(int64_t actual, int64_t predicted) const {
  return counts_[static_cast<size_t>(actual * classes_ + predicted)];
}

double ConfusionMatrix::support(int64_t c) const {
  double sum = 0;
  for (int64_t p = 0; p < classes_; ++p) sum += count(c, p);
  return sum;
}

double ConfusionMatrix::column(int64_t c) const {
  double sum = 0;
  for (int64_t a = 0; a < classes_; ++a) sum += count(a, c);
  return sum;
}

double ConfusionMatrix::precision(int64_t c) const {
  const double predicted = column(c);
  return predicted > 0 ? count(c, c) / predicted : 0;
}

double ConfusionMatrix::recall(int64_t c) const {
  const double actual = support(c);
  return actual > 0 ? count(c, c) / actual : 0;
}

double ConfusionMatrix::f1(int64_t c) const {
  const double both = column(c) + support(c);
  return both > 0 ? 2 * count(c, c) / both : 0;
}

double ConfusionMatrix::accuracy() const {
  double right = 0, all = 0;
  for (int64_t c = 0; c < classes_; ++c) {
    right += count(c, c);
    all += support(c);
  }
  return all > 0 ? right / all : nan;
}

template <class F>
double ConfusionMatrix::macro(F f) const {
  Mean mean;
  for (int64_t c = 0; c < classes_; ++c)
    if (support(c) + column(c) > 0) mean.add(f(c));
  return mean.value();
}

double ConfusionMatrix::macro_precision() const {
  return macro([&](int64_t c) { return precision(c); });
}
double ConfusionMatrix::macro_recall() const {
  return macro([&](int64_t c) { return recall(c); });
}
double ConfusionMatrix::macro_f1() const {
  return macro([&](int64_t c) { return f1(c); });
}

std::string ConfusionMatrix::to_string() const {
  size_t width = 9;
  for (const std::string& name : names_) width = std::max(width, name.size());
  std::string text = fmt::format("{:<{}}  precision    recall        f1   support\n", "class", width);
  double all = 0;
  const auto line = [&](const std::string& name, double p, double r, double f, double n) {
    text += fmt::format("{:<{}}  {:>9.4f} {:>9.4f} {:>9.4f} {:>9}\n", name, width, p, r, f, n);
  };
  for (int64_t c = 0; c < classes_; ++c) {
    line(name(c), precision(c), recall(c), f1(c), support(c));
    all += support(c);
  }
  line("mean", macro_precision(), macro_recall(), macro_f1(), all);
  text += fmt::format("{:<{}}  {:>9.4f}\n", "accuracy", width, accuracy());
  return text;
}

}  // namespace ocellus::metric
