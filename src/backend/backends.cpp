#include <ocellus/backend/backends.h>

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "backend/onednn/onednn_backend.h"
#include "engine/kernel.h"

namespace ocellus {
namespace {

/// A change of layout by way of the plain one. Only for parameters that another backend's program has claimed.
class ThroughPlain final : public Kernel {
 public:
  ThroughPlain(const TensorType& type, LayoutPtr from, LayoutPtr to)
      : plain_(type.dtype, type.shape), from_(std::move(from)), to_(std::move(to)) {}

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) override {
    in_ = inputs[0];
    out_ = outputs[0];
  }
  void run() override {
    if (from_)
      from_->unpack(in_, plain_);
    else
      std::memcpy(plain_.data(), in_, plain_.bytes());
    if (to_)
      to_->pack(plain_, out_);
    else
      std::memcpy(out_, plain_.data(), plain_.bytes());
  }

 private:
  Tensor plain_;
  LayoutPtr from_, to_;
  const void* in_ = nullptr;
  void* out_ = nullptr;
};

/// Plain layouts and the operators' own evaluations: slow, simple, and what other backends are held against.
class ReferenceBackend final : public Backend {
 public:
  std::string_view name() const override { return "reference"; }
  std::string describe() const override { return "each operator's own evaluation, one thread"; }
  KernelOffer offer(const KernelRequest& request) override { return {reference_kernel(request.node), {}}; }
  std::unique_ptr<Kernel> reorder(const TensorType& type, const LayoutPtr& from, const LayoutPtr& to) override {
    return std::make_unique<ThroughPlain>(type, from, to);
  }
};

}  // namespace

std::span<const std::string_view> enum_names(Algorithms) {
  static constexpr std::array<std::string_view, 3> names = {"time", "standard", "exact"};
  return names;
}

std::vector<std::string> backend_names() { return {"onednn", "reference"}; }

BackendPtr make_backend(std::string_view name, const BackendConfig& config) {
  if (name == "onednn") return std::make_shared<onednn::OneDnnBackend>(config);
  if (name == "reference") return std::make_shared<ReferenceBackend>();
  throw UsageError(fmt::format("no backend \"{}\"; there are {}", name, fmt::join(backend_names(), ", ")));
}

}  // namespace ocellus
