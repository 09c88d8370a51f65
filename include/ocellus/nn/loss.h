// Losses: how a prediction and its target become the scalar that training lowers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ocellus/ops/host.h>
#include <ocellus/ops/losses.h>
#include <ocellus/ops/matmul.h>

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

// Losses of single elements have two settings in common. `reduction` is mean or sum. With `weighted` a target [N,2C,...]
// holds the C values and after them the C weights of a prediction [N,C,...]: an element that weighs 0 is masked, whatever
// its value, and a mean is over the weights.

struct AbsoluteErrorConfig {
  Reduction reduction = Reduction::mean;
  bool weighted = false;
};
/// |d| for each difference d from a target of the same shape.
OCELLUS_API Loss absolute_error(AbsoluteErrorConfig config = {});

struct SmoothL1Config {
  double beta = 1;  ///< where the square turns into a line
  Reduction reduction = Reduction::mean;
  bool weighted = false;
};
/// d^2 / (2 beta), beyond beta |d| - beta/2: for boxes (Girshick 2015; SSD).
OCELLUS_API Loss smooth_l1(SmoothL1Config config = {});

struct HuberConfig {
  double delta = 1;  ///< where the square turns into a line
  Reduction reduction = Reduction::mean;
  bool weighted = false;
};
/// d^2 / 2, beyond delta: delta (|d| - delta/2) (Huber 1964).
OCELLUS_API Loss huber(HuberConfig config = {});

struct FocalConfig {
  double alpha = 0.25;  ///< weight of ones, 1 - alpha that of zeros; negative: all weigh 1
  double gamma = 2;
  Reduction reduction = Reduction::mean;
  bool weighted = false;
};
/// Sigmoid cross-entropy of logits that neglects what is easy (RetinaNet: Lin et al. 2017), targets in [0,1].
OCELLUS_API Loss focal(FocalConfig config = {});
/// The same of a softmax over logits [N,C,...], with classes i32 [N,...].
OCELLUS_API Loss softmax_focal(SoftmaxFocalConfig config = {});

struct ContrastiveConfig {
  double margin = 1;  ///< pairs of two kinds that are further apart cost nothing
  Reduction reduction = Reduction::mean;
  bool weighted = false;
};
/// Of distances of pairs, with target 1 for a pair of one kind and 0 for others: t d^2 + (1-t) max(0, margin - d)^2
/// (Hadsell et al. 2006). nn::Distance gives such distances.
OCELLUS_API Loss contrastive(ContrastiveConfig config = {});

/// What turns a prediction into the probabilities that Dice compares.
enum class DiceActivation : uint8_t { none, sigmoid, softmax };
OCELLUS_API std::span<const std::string_view> enum_names(DiceActivation);
struct DiceLossConfig {
  DiceActivation activation = DiceActivation::sigmoid;
  double smooth = 1;
  bool squared = false;         ///< squares below the line, as in V-Net
  bool over_batch = false;      ///< one term for each class, over all samples
  int64_t ignore_index = -100;  ///< a class that counts nothing
  bool weighted = false;        ///< as above, for targets that are no classes
};
/// Soft Dice of [N,C,...] (Milletari et al. 2016), with targets of the same shape or classes i32 [N,...]: the mean over
/// classes and samples. A prediction with one channel has classes 0 and 1.
OCELLUS_API Loss dice(DiceLossConfig config = {});

/// Which triplets of a batch count, of an anchor, a positive (of its label) and a negative (of another).
///   semi_hard   for each anchor and positive the nearest negative beyond the positive, or the farthest where none is
///               (FaceNet: Schroff et al. 2015)
///   batch_hard  for each anchor the farthest positive and the nearest negative (Hermans et al. 2017)
///   batch_all   all of them
enum class TripletMining : uint8_t { semi_hard, batch_hard, batch_all };
OCELLUS_API std::span<const std::string_view> enum_names(TripletMining);
struct TripletConfig {
  double margin = 0.2;  ///< for embeddings of length 1
  TripletMining mining = TripletMining::semi_hard;
  DistanceKind distance = DistanceKind::squared_l2;  ///< or l2
  Reduction reduction = Reduction::mean;
  bool over_active = false;  ///< a mean is over the triplets that cost something, not over all that were mined
};
/// max(0, margin + d(anchor, positive) - d(anchor, negative)) of embeddings [N,D], with labels i32 [N]. Its parts are
/// "triplet", the loss, and "active_triplets", how many cost something: when there are none, nothing is learnt.
OCELLUS_API Loss triplet(TripletConfig config = {});

/// One part of a prediction [N,C,...]: some channels, and the loss that they have.
struct PartConfig {
  std::string name;                ///< as the log shows it
  int64_t channels = 1;            ///< after those of the parts before
  ElementLossConfig element = {};  ///< log_likelihood is of a softmax over the part's channels: cross-entropy
  double weight = 1;
};
struct MultiPartConfig {
  std::vector<PartConfig> parts;
  bool weighted = false;  ///< as above: a target [N,2C,...] holds values, then weights
};
/// Several losses side by side, each on channels of its own, added up with weights (as of an object: whether it is there,
/// its box, its class). Each part's own mean is over its weights.
OCELLUS_API Loss multi_part(MultiPartConfig config);

/// A loss of one's own, computed on the host together with its gradient.
struct CustomConfig {
  HostLossConfig loss;
  /// The type that targets have for a prediction.
  std::function<TensorType(const TensorType& prediction, DType target)> target = {};
};
/// Its name must not be one that `make` knows: a saved model would be loaded with that loss instead.
OCELLUS_API Loss custom(CustomConfig config);

/// The loss of that name; throws UsageError for an unknown one.
OCELLUS_API Loss make(const std::string& name, const std::map<std::string, double>& settings = {});

}  // namespace loss
}  // namespace ocellus
