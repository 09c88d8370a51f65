// The backend whose kernels are oneDNN's primitives and our own vector loops.
#pragma once

#include <ocellus/backend/backends.h>

#include "backend/onednn/chooser.h"
#include "backend/onednn/primitive.h"

namespace ocellus::onednn {

class OneDnnBackend final : public Backend {
 public:
  explicit OneDnnBackend(const BackendConfig& config);

  std::string_view name() const override { return "onednn"; }
  std::string describe() const override;
  KernelOffer offer(const KernelRequest& request) override;
  std::unique_ptr<Kernel> reorder(const TensorType& type, const LayoutPtr& from, const LayoutPtr& to) override;
  std::string decisions() const override { return chooser_.text(); }
  void restore_decisions(std::string_view text) override { chooser_.restore(text); }

  const RuntimePtr& runtime() const { return runtime_; }
  Algorithms algorithms() const { return algorithms_; }
  AlgorithmChooser& chooser() { return chooser_; }

 private:
  RuntimePtr runtime_;
  Algorithms algorithms_;
  AlgorithmChooser chooser_;
  std::multimap<std::string_view, KernelEntry> kernels_;  ///< of one operator: in the order of asking
};

/// The oneDNN backend that asks one of its own kernels.
inline OneDnnBackend& onednn_backend(Backend& backend) { return dynamic_cast<OneDnnBackend&>(backend); }
inline const RuntimePtr& runtime_of(Backend& backend) { return onednn_backend(backend).runtime(); }

}  // namespace ocellus::onednn
