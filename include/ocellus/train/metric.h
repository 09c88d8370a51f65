// Metrics: running figures over the batches of an epoch or a test set.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ocellus/base/export.h>
#include <ocellus/tensor/tensor.h>
#include <ocellus/train/handle.h>

namespace ocellus::metric {

/// Base of the metrics: fed batch by batch, asked for a value, reset.
class OCELLUS_API Metric {
 public:
  virtual ~Metric();
  virtual std::string name() const = 0;  ///< the key in logs and files: "accuracy", "top_5"
  /// Adds a batch. `predictions`: f32 [N,K], logits or probabilities; `targets`: class indices i32 [N] or [N,1], or a
  /// distribution f32 [N,K], whose largest entry counts; `weights`: f32 with one value per sample, or an empty tensor
  /// for equal weights. Throws ShapeError or TypeError for tensors that don't fit, UsageError for a label that is no
  /// class.
  virtual void update(const Tensor& predictions, const Tensor& targets, const Tensor& weights = {}) = 0;
  virtual double value() const = 0;  ///< NaN before the first sample
  virtual void reset() = 0;
  virtual std::unique_ptr<Metric> clone() const = 0;
  /// The sums so far, as numbers that `restore` takes back exactly: for resuming inside an epoch.
  virtual std::vector<double> state() const = 0;
  virtual void restore(std::span<const double> state) = 0;  ///< throws UsageError for numbers that `state` did not give
};

/// Settings that the classification metrics share.
struct ClassConfig {
  int64_t ignore_index = -100;  ///< samples with this label don't count
};

/// Share of samples whose largest prediction is the target; of equal predictions the first counts, a NaN never does.
OCELLUS_API Handle<Metric> accuracy(ClassConfig config = {});

/// Share of samples whose target is among the k largest predictions; named "top_<k>".
OCELLUS_API Handle<Metric> top_k(int64_t k, ClassConfig config = {});

/// Unweighted mean over the classes of the F1 score; named "macro_f1".
OCELLUS_API Handle<Metric> macro_f1(ClassConfig config = {});

/// A weighted running mean, as for losses.
class OCELLUS_API Mean {
 public:
  void add(double value, double weight = 1);
  double value() const;  ///< NaN before the first
  double weight() const { return weight_; }
  void reset() { *this = Mean(); }
  std::vector<double> state() const { return {sum_, weight_}; }
  void restore(std::span<const double> state);  ///< throws UsageError for other than two numbers

 private:
  double sum_ = 0, weight_ = 0;
};

/// Counts of (actual class, predicted class), and what follows from them.
class OCELLUS_API ConfusionMatrix {
 public:
  /// `names` may be empty: classes are then called by their numbers. Throws UsageError when their number doesn't fit.
  explicit ConfusionMatrix(int64_t classes, std::vector<std::string> names = {}, ClassConfig config = {});

  /// As Metric::update; a sample all of whose predictions are NaN is left out.
  void update(const Tensor& predictions, const Tensor& targets, const Tensor& weights = {});
  void add(int64_t actual, int64_t predicted, double weight = 1);
  void reset();
  const std::vector<double>& counts() const { return counts_; }  ///< row by row
  void set_counts(std::vector<double> counts);                   ///< throws UsageError for another number of them

  int64_t classes() const { return classes_; }
  const std::string& name(int64_t c) const { return names_[static_cast<size_t>(c)]; }
  double count(int64_t actual, int64_t predicted) const;
  double support(int64_t c) const;    ///< samples of the class
  double precision(int64_t c) const;  ///< of those predicted as c, the share that is; 0 when none are
  double recall(int64_t c) const;     ///< of those that are c, the share found; 0 when there are none
  double f1(int64_t c) const;         ///< harmonic mean of precision and recall; 0 when both are
  double accuracy() const;            ///< NaN before the first sample
  double macro_precision() const;     ///< unweighted means over the classes that occur, actual or predicted
  double macro_recall() const;
  double macro_f1() const;
  std::string to_string() const;  ///< a table of precision, recall, F1 and support, one class a line

 private:
  double column(int64_t c) const;
  template <class F>
  double macro(F f) const;

  int64_t classes_;
  std::vector<std::string> names_;
  ClassConfig config_;
  std::vector<double> counts_;
};

}  // namespace ocellus::metric
