// How losses are made again from their settings, and the targets that several of them take.
#pragma once

#include <cmath>
#include <map>
#include <string>

#include <fmt/format.h>

#include <ocellus/nn/loss.h>

namespace ocellus::loss {

/// The settings of a loss as they were saved. What is missing has its default.
class Settings {
 public:
  Settings(std::string loss, const std::map<std::string, double>& values) : loss_(std::move(loss)), values_(values) {}

  const std::map<std::string, double>& all() const { return values_; }
  double number(const std::string& key, double fallback) const {
    const auto it = values_.find(key);
    return it == values_.end() ? fallback : it->second;
  }
  bool flag(const std::string& key) const { return number(key, 0) != 0; }
  /// A value of an enumeration, saved as its number; throws UsageError for a number that is none.
  template <class E>
  E choice(const std::string& key, E fallback) const {
    const double value = number(key, code(fallback));
    if (!(value >= 0) || value >= static_cast<double>(enum_names(E{}).size()) || value != std::floor(value))
      throw UsageError(fmt::format("loss {}: its setting {} can't be {}", loss_, key, value));
    return static_cast<E>(static_cast<int>(value));
  }

  /// What `choice` reads.
  template <class E>
  static double code(E value) {
    return static_cast<double>(static_cast<int>(value));
  }

 private:
  std::string loss_;
  const std::map<std::string, double>& values_;
};

/// f32 targets of the prediction's shape; throws TypeError for a data set with integers.
TensorType like_prediction(const TensorType& prediction, DType target);
/// The same, or i32 classes [N,...]; `loss` names who asks.
TensorType classes_or_distribution(std::string_view loss, const TensorType& prediction, DType target);
/// The same, with as many weights after the values if `weighted`: [N,2C,...].
TensorType values_and_weights(bool weighted, const TensorType& prediction, DType target);

/// A target cut into values and weights; the latter are an empty Value where there are none.
struct SplitTarget {
  Value values, weights;
};
/// Of a prediction with `channels` along dimension 1.
SplitTarget split_target(bool weighted, int64_t channels, const Value& target);

/// Throws UsageError for a reduction that gives no scalar.
void expect_scalar(const std::string& loss, Reduction reduction);

Loss absolute_error_from(const Settings& settings);
Loss contrastive_from(const Settings& settings);
Loss dice_from(const Settings& settings);
Loss focal_from(const Settings& settings);
Loss huber_from(const Settings& settings);
Loss multi_part_from(const Settings& settings);
Loss smooth_l1_from(const Settings& settings);
Loss softmax_focal_from(const Settings& settings);
Loss triplet_from(const Settings& settings);

}  // namespace ocellus::loss
