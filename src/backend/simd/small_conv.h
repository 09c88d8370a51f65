// What the kernels for convolutions of few channels share.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <ocellus/ops/conv.h>

#include "backend/simd/loops/small_conv.h"
#include "engine/kernel.h"

namespace ocellus {

/// Sizes of a 2-D convolution of few channels with stride 1, or why these kernels don't take it. `x`, `weights`: types of the
/// forward operator.
std::variant<simd::SmallConv, std::string> small_conv_of(const TensorType& x, const TensorType& weights,
                                                         const Window& window, int64_t groups);

/// What the activation does below zero, or nothing for one that is not linear there.
std::optional<float> slope_below_zero(const Activation& a);

/// Zeros, aligned for vectors.
std::shared_ptr<float> zeroed_floats(int64_t count);

/// The gradients of weights and bias: every thread sums over its samples, in memory that no other thread touches before its
/// sums are final; then these are added in order.
class SmallConvSums {
 public:
  explicit SmallConvSums(const simd::SmallConv& s);
  /// Where dw and db go; null, or absent, for one that nobody uses.
  void bind(std::span<void* const> outputs);
  /// Before the threads begin.
  void begin();
  /// Each thread before and after its samples.
  void begin_thread();
  void finish_thread();
  /// The calling thread's sums for the weights.
  float* of_thread() const;
  /// Adds to the calling thread's bias sums dy, channel after channel of `plane` floats.
  void add_bias(const float* dy, int64_t plane);
  void finish();

 private:
  /// dw and db of the calling thread.
  float* results() const;

  simd::SmallConv s_;
  int64_t threads_, weights_, results_of_thread_;
  std::shared_ptr<float> sums_, results_;
  std::vector<char> used_;  // by which threads
  float* dw_ = nullptr;
  float* db_ = nullptr;
};

/// A plan of plain layouts.
KernelPlan plain_plan(const Node& node, std::string name, std::unique_ptr<Kernel> kernel);

}  // namespace ocellus
