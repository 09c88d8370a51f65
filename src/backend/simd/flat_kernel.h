// Kernels that treat values as flat arrays: element by element, in whatever layout the values share.
#pragma once

#include <algorithm>
#include <array>
#include <string>

#include <ocellus/base/threads.h>

#include "backend/simd/loops/bf16.h"
#include "engine/kernel.h"

namespace ocellus::simd {

/// Elements of work below which a second thread costs more than it saves.
inline constexpr int64_t grain = 16384;

/// Runs `Body` over [0, elements) in pieces, on all threads. Body: (const std::array<const float*, N>&, float*, begin,
/// end). Values of bf16 go through buffers of f32, a part of a piece at a time, so that no body need know of them.
template <size_t N, class Body>
class FlatKernel final : public Kernel {
 public:
  FlatKernel(Body body, size_t elements, DType dtype)
      : body_(std::move(body)), elements_(static_cast<int64_t>(elements)), wide_(dtype == DType::f32) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    for (size_t i = 0; i < N; ++i) in_[i] = inputs[i];
    out_ = outputs[0];
  }
  void run() override {
    parallel_for(elements_ / 4, grain / 4, [this](int64_t begin, int64_t end) {
      // Pieces begin at multiples of four; the last one takes the rest.
      piece(static_cast<size_t>(begin * 4), static_cast<size_t>(end == elements_ / 4 ? elements_ : end * 4));
    });
    if (elements_ < 4) piece(0, static_cast<size_t>(elements_));
  }

 private:
  void piece(size_t begin, size_t end) {
    if (!wide_) return narrow_piece(begin, end);
    std::array<const float*, N> in;
    for (size_t i = 0; i < N; ++i) in[i] = static_cast<const float*>(in_[i]);
    body_(in, static_cast<float*>(out_), begin, end);
  }
  void narrow_piece(size_t begin, size_t end) {
    constexpr size_t part = 1024;
    float buffers[N + 1][part];
    std::array<const float*, N> in;
    for (size_t i = 0; i < N; ++i) in[i] = buffers[i];
    for (size_t at = begin; at < end; at += part) {
      const size_t count = std::min(part, end - at);
      for (size_t i = 0; i < N; ++i) widen(static_cast<const uint16_t*>(in_[i]) + at, buffers[i], count);
      body_(in, buffers[N], 0, count);
      narrow(buffers[N], static_cast<uint16_t*>(out_) + at, count);
    }
  }

  Body body_;
  int64_t elements_;
  bool wide_;
  std::array<const void*, N> in_{};
  void* out_ = nullptr;
};

/// Why an element-wise kernel can't take the request, or "". All values must be f32, or all bf16, of one shape. With
/// `keeps_zero` false the operation turns zeros into something else, so padded layouts are refused: their padding must
/// stay zero.
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
  const TensorType& type = request.node.types()[0];
  const size_t elements = (layout ? layout->bytes() : bytes_of(type)) / size_of(type.dtype);
  plan.kernel = std::make_unique<FlatKernel<N, Body>>(std::move(body), elements, type.dtype);
  for (size_t i = 0; i < N; ++i) plan.in_place.emplace_back(0, i);
  return plan;
}

}  // namespace ocellus::simd
