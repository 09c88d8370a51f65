// Kernels that treat values as flat arrays: element by element, in whatever layout the values share.
#pragma once

#include <array>
#include <string>

#include <ocellus/base/threads.h>

#include "engine/kernel.h"

namespace ocellus::simd {

/// Elements of work below which a second thread costs more than it saves.
inline constexpr int64_t grain = 16384;

/// Runs `Body` over [0, elements) in pieces, on all threads. Body: (const std::array<const float*, N>&, float*, begin, end).
template <size_t N, class Body>
class FlatKernel final : public Kernel {
 public:
  FlatKernel(Body body, size_t elements) : body_(std::move(body)), elements_(static_cast<int64_t>(elements)) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    for (size_t i = 0; i < N; ++i) in_[i] = static_cast<const float*>(inputs[i]);
    out_ = static_cast<float*>(outputs[0]);
  }
  void run() override {
    parallel_for(elements_ / 4, grain / 4, [this](int64_t begin, int64_t end) {
      // Pieces begin at multiples of four; the last one takes the rest.
      body_(in_, out_, static_cast<size_t>(begin * 4), static_cast<size_t>(end == elements_ / 4 ? elements_ : end * 4));
    });
    if (elements_ < 4) body_(in_, out_, 0, static_cast<size_t>(elements_));
  }

 private:
  Body body_;
  int64_t elements_;
  std::array<const float*, N> in_{};
  float* out_ = nullptr;
};

/// Why an element-wise kernel can't take the request, or "". All values must be f32 of one shape. With `keeps_zero` false the
/// operation turns zeros into something else, so padded layouts are refused: their padding must stay zero.
std::string flat_refusal(const KernelRequest& request, bool keeps_zero);

/// A plan whose first N inputs and output share the layout of the first input that is not plain.
template <size_t N, class Body>
KernelPlan flat_plan(const KernelRequest& request, Body body) {
  LayoutPtr layout;
  for (size_t i = 0; i < N && !layout; ++i) layout = request.inputs[i];
  KernelPlan plan;
  plan.name = "simd";
  plan.inputs.assign(request.inputs.size(), nullptr);
  for (size_t i = 0; i < N; ++i) plan.inputs[i] = layout;
  plan.outputs = {layout};
  const size_t bytes = layout ? layout->bytes() : bytes_of(request.node.types()[0]);
  plan.kernel = std::make_unique<FlatKernel<N, Body>>(std::move(body), bytes / sizeof(float));
  for (size_t i = 0; i < N; ++i) plan.in_place.emplace_back(0, i);
  return plan;
}

}  // namespace ocellus::simd
