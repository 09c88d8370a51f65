// What backends implement and the engine runs: kernels, and how they are asked for.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <ocellus/engine/backend.h>

namespace ocellus {

/// One prepared computation. `bind` is called once the addresses are known, and again should they change; `run` neither
/// allocates nor looks anything up.
class Kernel {
 public:
  virtual ~Kernel() = default;
  /// Addresses of the inputs and outputs in the layouts that the plan names (null for an output that nobody uses), and of
  /// `scratch` bytes of 64-byte aligned memory.
  virtual void bind(std::span<void* const> inputs, std::span<void* const> outputs, void* scratch) = 0;
  virtual void run() = 0;
};

/// A node to be computed, and how its inputs lie in memory now.
struct KernelRequest {
  const Node& node;
  std::span<const LayoutPtr> inputs;  ///< current layouts; a kernel may ask for others
  std::vector<bool> used;             ///< per output: somebody reads it
  bool training = false;
};

/// A kernel with what it needs.
struct KernelPlan {
  std::string name;                    ///< for reports: "jit:avx512_core"
  std::vector<LayoutPtr> inputs;       ///< wanted layout of each input
  std::vector<LayoutPtr> outputs;      ///< layout that each output will have
  size_t scratch = 0;                  ///< bytes
  std::unique_ptr<Kernel> kernel;
  std::vector<std::pair<size_t, size_t>> in_place;  ///< (output, input) pairs that may share memory
  /// Where in output 0 each input lies in one piece, in bytes: inputs written there at once need no copy.
  std::vector<size_t> parts = {};
};

/// A kernel that did not accept, and why.
struct Refusal {
  std::string kernel;
  std::string reason;
};

struct KernelOffer {
  std::optional<KernelPlan> plan;
  std::vector<Refusal> refusals;
};

/// A plan, or the reason for which the kernel does not take the request.
using KernelAnswer = std::variant<KernelPlan, std::string>;

/// A row of a backend's table. Among the kernels of one operator the lower rank is asked first.
struct KernelEntry {
  std::string_view op;
  std::string_view name;
  int rank;
  KernelAnswer (*make)(const KernelRequest& request, Backend& backend);
};

/// The operator's reference evaluation as a kernel: plain layouts, no scratch.
KernelPlan reference_kernel(const Node& node);

}  // namespace ocellus
