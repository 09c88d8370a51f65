// Optimisers: plain loops over flat spans of fp32 parameters. They know nothing of models or layers.
//
// A caller asks for `slots()`, keeps one zeroed array per slot beside each parameter, and at each update calls
// `begin_step(step, lr)` and `step(slices)`. Results depend neither on the number of threads nor on the vector width.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ocellus/base/export.h>
#include <ocellus/train/handle.h>

namespace ocellus::optim {

/// One parameter, its gradient and its state, as flat spans of equal length.
struct Slice {
  std::span<float> param;
  std::span<const float> grad;
  std::array<float*, 3> state{};  ///< one array per slot, in the order of `slots()`; the rest stays null
  float lr_scale = 1;             ///< multiplies the learning rate
  bool norm_or_bias = false;      ///< a bias, or scale or shift of a normalisation: spared weight decay by option
};

/// What every optimiser offers beside its own rule.
struct CommonConfig {
  double lr = 0;
  double weight_decay = 0;
  bool decay_norm_and_bias = true;
  double clip_norm = 0;
  double clip_value = 0;
};

/// Base of the optimisers.
class OCELLUS_API Optimizer {
 public:
  virtual ~Optimizer();

  virtual std::string_view name() const = 0;             ///< "sgd", "adam", "adamw", "rmsprop"
  virtual std::vector<std::string> slots() const = 0;    ///< names of the state arrays: "momentum", or "m" and "v"
  virtual std::unique_ptr<Optimizer> clone() const = 0;  ///< a copy with the same scalar state
  std::string describe() const;                          ///< "sgd(lr=0.1, momentum=0.9)": settings that differ from 0

  /// A setting by the name that `describe` uses: "lr", "weight_decay", or one of the rule's own; nothing if it has none.
  std::optional<double> setting(std::string_view name) const;
  double lr() const { return common_.lr; }  ///< the base learning rate, which a schedule multiplies
  void set_lr(double lr);                   ///< throws UsageError unless finite and >= 0

  /// Announces update number `step` (1 is the first since the state was zero) and its learning rate.
  void begin_step(int64_t step, double lr);
  /// Updates all parameters in one pass over memory each. Throws ShapeError for spans that don't fit, NumericError when
  /// `clip_norm` is set and the gradient's norm is not finite; nothing has been changed then.
  void step(std::span<const Slice> slices);

  int64_t step_count() const { return step_; }  ///< the last update announced
  /// Global L2 norm of the last gradients before clipping, summed in double in an order that is always the same;
  /// only known with `clip_norm`.
  std::optional<double> grad_norm() const { return grad_norm_; }

  /// Everything beside the slots that an exact resumption needs.
  std::map<std::string, double> scalar_state() const;
  void restore_scalar_state(const std::map<std::string, double>& state);

 protected:
  explicit Optimizer(const CommonConfig& common);
  Optimizer(const Optimizer&) = default;
  Optimizer& operator=(const Optimizer&) = default;

  /// What the rules share at one step, in fp32.
  struct StepScalars {
    float lr, weight_decay, grad_scale, grad_limit;
  };
  virtual void update(const Slice& slice, size_t begin, size_t end, const StepScalars& scalars) const = 0;
  virtual std::vector<std::pair<std::string_view, double>> settings() const = 0;  ///< of the rule alone, in order
  double step_lr() const { return step_lr_; }

 private:
  void check(std::span<const Slice> slices) const;
  double global_norm(std::span<const Slice> slices);

  CommonConfig common_;
  int64_t step_ = 0;
  double step_lr_ = 0;
  std::optional<double> grad_norm_;
  std::vector<double> partial_;  // of the norm, kept so that a step does not allocate
};

/// Settings of SGD, as torch.optim.SGD names and defaults them.
struct SGDConfig {
  double lr = 1e-3;
  double momentum = 0;
  bool nesterov = false;            ///< needs momentum
  double weight_decay = 0;          ///< L2: weight_decay * w is added to the gradient
  bool decay_norm_and_bias = true;  ///< false: biases and normalisation parameters don't decay
  double clip_norm = 0;             ///< > 0: gradients are scaled down to this global L2 norm
  double clip_value = 0;            ///< > 0: then each gradient is limited to [-clip_value, clip_value]
};

/// Stochastic gradient descent: b = momentum * b + g, then w -= lr * b (Nesterov: w -= lr * (g + momentum * b)).
/// Nesterov's form is that of Sutskever et al., "On the importance of initialization and momentum", ICML 2013.
class OCELLUS_API SGD final : public Optimizer {
 public:
  explicit SGD(SGDConfig config = {});  ///< throws UsageError for a setting out of range
  std::string_view name() const override { return "sgd"; }
  std::vector<std::string> slots() const override;
  std::unique_ptr<Optimizer> clone() const override;

 protected:
  void update(const Slice& slice, size_t begin, size_t end, const StepScalars& scalars) const override;
  std::vector<std::pair<std::string_view, double>> settings() const override;

 private:
  double momentum_;
  bool nesterov_;
};

/// Settings of Adam, as torch.optim.Adam names and defaults them.
struct AdamConfig {
  double lr = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;  ///< L2: weight_decay * w is added to the gradient
  bool decay_norm_and_bias = true;
  double clip_norm = 0;
  double clip_value = 0;
};

/// Adam (Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015).
class OCELLUS_API Adam : public Optimizer {
 public:
  explicit Adam(AdamConfig config = {});  ///< throws UsageError for a setting out of range
  std::string_view name() const override { return "adam"; }
  std::vector<std::string> slots() const override;
  std::unique_ptr<Optimizer> clone() const override;

 protected:
  Adam(const AdamConfig& config, bool decoupled);
  void update(const Slice& slice, size_t begin, size_t end, const StepScalars& scalars) const override;
  std::vector<std::pair<std::string_view, double>> settings() const override;

 private:
  double beta1_, beta2_, eps_;
  bool decoupled_ = false;
};

/// Settings of AdamW, as torch.optim.AdamW names and defaults them.
struct AdamWConfig {
  double lr = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 1e-2;  ///< decoupled: w is first multiplied by 1 - lr * weight_decay
  bool decay_norm_and_bias = true;
  double clip_norm = 0;
  double clip_value = 0;
};

/// Adam with decoupled weight decay (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019).
class OCELLUS_API AdamW final : public Adam {
 public:
  explicit AdamW(AdamWConfig config = {});
  std::string_view name() const override { return "adamw"; }
  std::unique_ptr<Optimizer> clone() const override;
};

/// Settings of RMSProp, as torch.optim.RMSprop names and defaults them.
struct RMSPropConfig {
  double lr = 1e-2;
  double alpha = 0.99;  ///< share of the old mean square that is kept
  double eps = 1e-8;    ///< added after the square root
  double momentum = 0;
  bool centered = false;    ///< divides by the standard deviation instead of the root mean square
  double weight_decay = 0;  ///< L2: weight_decay * w is added to the gradient
  bool decay_norm_and_bias = true;
  double clip_norm = 0;
  double clip_value = 0;
};

/// RMSProp (Hinton, "Neural networks for machine learning", lecture 6e, 2012; centred: Graves, arXiv:1308.0850).
class OCELLUS_API RMSProp final : public Optimizer {
 public:
  explicit RMSProp(RMSPropConfig config = {});
  std::string_view name() const override { return "rmsprop"; }
  std::vector<std::string> slots() const override;
  std::unique_ptr<Optimizer> clone() const override;

 protected:
  void update(const Slice& slice, size_t begin, size_t end, const StepScalars& scalars) const override;
  std::vector<std::pair<std::string_view, double>> settings() const override;

 private:
  double alpha_, eps_, momentum_;
  bool centered_;
};

/// Settings that a command line may give; the rest are an optimiser's defaults.
struct Overrides {
  std::optional<double> lr = {}, momentum = {}, weight_decay = {};
};

/// The optimiser of that name; throws UsageError for an unknown name or a setting that it doesn't have.
OCELLUS_API Handle<Optimizer> make(std::string_view name, const Overrides& overrides = {});

}  // namespace ocellus::optim
