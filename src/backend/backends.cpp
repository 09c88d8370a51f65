#include <ocellus/backend/backends.h>

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "backend/onednn/onednn_backend.h"
#include "engine/kernel.h"

namespace ocellus {
namespace {

/// Plain layouts and the operators' own evaluations: slow, simple, and what other backends are held against.
class ReferenceBackend final : public Backend {
 public:
  std::string_view name() const override { return "reference"; }
  std::string describe() const override { return "each operator's own evaluation, one thread"; }
  KernelOffer offer(const KernelRequest& request) override { return {reference_kernel(request.node), {}}; }
  std::unique_ptr<Kernel> reorder(const TensorType&, const LayoutPtr&, const LayoutPtr&) override {
    throw Unsupported("the reference backend has plain layouts only");
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
