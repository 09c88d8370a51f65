// Losses: how a prediction and its target become the scalar that training lowers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ocellus/ops/host.h>

namespace ocellus {

/// What a loss adds to a graph.
struct LossValues {
  Value loss;   ///< scalar, mean over the batch
  Value parts;  ///< the values of its named parts [parts]; empty for a loss that names none
};

/// What makes a loss.
struct LossSpec {
  std::string name;                         ///< "softmax_cross_entropy"
  std::map<std::string, double> settings;   ///< what `loss::make` needs to make it again
  std::vector<std::string> parts;           ///< names of its parts, or none
  /// The type that targets have for a prediction, given the data set's own dtype; throws TypeError for one it can't use.
  std::function<TensorType(const TensorType& prediction, DType target)> target;
  std::function<LossValues(const Value& prediction, const Value& target)> build;
  /// Turns a prediction (logits, say) into probabilities; empty where it is one already or there are none.
  std::function<Value(const Value& prediction)> probabilities;
};

/// A loss as a value; copies share it.
class OCELLUS_API Loss {
 public:
  Loss() = default;  ///< none: `!loss`
  explicit Loss(LossSpec spec) : spec_(std::make_shared<const LossSpec>(std::move(spec))) {}

  explicit operator bool() const { return spec_ != nullptr; }
  const LossSpec& operator*() const { return *spec_; }
  const LossSpec* operator->() const { return spec_.get(); }

 private:
  std::shared_ptr<const LossSpec> spec_;
};

namespace loss {

struct SoftmaxCrossEntropyConfig {
  double smoothing = 0;         ///< label smoothing (Szegedy et al. 2016)
  int64_t ignore_index = -100;  ///< a class that counts nothing
};
/// Of logits [N,C,...] with classes i32 [N,...] or distributions f32 [N,C,...].
OCELLUS_API Loss softmax_cross_entropy(SoftmaxCrossEntropyConfig config = {});
/// Of logits with targets in [0,1] of the same shape.
OCELLUS_API Loss sigmoid_cross_entropy();
/// Mean of squared differences from f32 targets of the same shape.
OCELLUS_API Loss squared_error();

/// A loss of one's own, computed on the host together with its gradient.
struct CustomConfig {
  HostLossConfig loss;
  /// The type that targets have for a prediction.
  std::function<TensorType(const TensorType& prediction, DType target)> target = {};
};
OCELLUS_API Loss custom(CustomConfig config);

/// The loss of that name; throws UsageError for an unknown one.
OCELLUS_API Loss make(const std::string& name, const std::map<std::string, double>& settings = {});

}  // namespace loss
}  // namespace ocellus
