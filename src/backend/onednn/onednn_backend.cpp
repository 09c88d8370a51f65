#include "backend/onednn/onednn_backend.h"

#include <fmt/format.h>

#include <algorithm>

#include "backend/onednn/winograd.h"
#include "backend/tables.h"

namespace ocellus::onednn {
namespace {

/// The kernels of every file, by rank: a map keeps those of one operator in this order.
std::vector<KernelEntry> kernels_by_rank() {
  std::vector<KernelEntry> all;
  for (const auto listers : {simd_kernels_in_listers(), onednn_kernels_in_listers()})
    for (const KernelLister lister : listers) all.insert(all.end(), lister().begin(), lister().end());
  std::ranges::stable_sort(all, {}, &KernelEntry::rank);
  return all;
}

}  // namespace

OneDnnBackend::OneDnnBackend(const BackendConfig& config)
    : runtime_(std::make_shared<Runtime>()), algorithms_(config.algorithms), chooser_(config.cache_path) {
  for (const KernelEntry& entry : kernels_by_rank()) kernels_.emplace(entry.op, entry);
}

std::string OneDnnBackend::describe() const {
  const dnnl_version_t* v = dnnl_version();
  return fmt::format("oneDNN {}.{}.{}, {}", v->major, v->minor, v->patch, runtime_->machine());
}

KernelOffer OneDnnBackend::offer(const KernelRequest& request) {
  KernelOffer offer;
  const auto [begin, end] = kernels_.equal_range(request.node.op().name());
  for (auto row = begin; row != end; ++row) {
    const KernelEntry& entry = row->second;
    std::string reason;
    try {
      KernelAnswer answer = entry.make(request, *this);
      if (auto* plan = std::get_if<KernelPlan>(&answer)) {
        offer.plan = std::move(*plan);
        return offer;
      }
      reason = std::get<std::string>(answer);
    } catch (const dnnl::error& e) {
      reason = e.what();
    } catch (const Unsupported& e) {
      reason = e.what();
    }
    offer.refusals.push_back({std::string(entry.name), std::move(reason)});
  }
  return offer;
}

std::unique_ptr<Kernel> OneDnnBackend::reorder(const TensorType& type, const LayoutPtr& from, const LayoutPtr& to) {
  const auto dims = [](const Desc& d) { return Dims(d.data.dims, d.data.dims + d.data.ndims); };
  if (const auto* tiles = dynamic_cast<const WinogradWeights*>(to.get())) return tiles->packing(desc_of(from, type));
  Desc source = desc_of(from, type), target = desc_of(to, type);
  // Weights in groups have a dimension more than their value.
  if (!from) source = row_major(dims(target), source.data_type());
  if (!to) target = row_major(dims(source), target.data_type());
  return std::make_unique<ReorderKernel>(runtime_, source, target);
}

}  // namespace ocellus::onednn
