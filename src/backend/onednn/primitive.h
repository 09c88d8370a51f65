// From primitives to kernels: a planner that notes which argument lies where, and the kernel that runs the result.
#pragma once

#include "backend/onednn/layout.h"
#include "engine/kernel.h"

namespace ocellus::onednn {

/// Where an argument lies: an input or output of the node, or at an offset of the kernel's scratch memory.
struct Place {
  enum class Kind : uint8_t { input, output, scratch } kind;
  size_t index;  ///< or offset in bytes
};
inline Place in(size_t i) { return {Place::Kind::input, i}; }
inline Place out(size_t i) { return {Place::Kind::output, i}; }

/// An argument of a primitive: DNNL_ARG_SRC, where it lies, and its descriptor.
struct Arg {
  int id;
  Place place;
  Desc desc;
};

/// Primitives that run one after the other. Memory objects are made with it and get their addresses in `bind`; running
/// hands prepared arguments to the library's C interface, which copies nothing of ours.
class Sequence final : public Kernel {
 public:
  explicit Sequence(RuntimePtr runtime) : runtime_(std::move(runtime)) {}
  void add(const dnnl::primitive& primitive, std::span<const Arg> args);
  /// A step that is left out when its first two arguments have the same address.
  void add_copy(const dnnl::primitive& primitive, std::span<const Arg> args);

  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void* scratch) override;
  void run() override;

 private:
  struct Step {
    dnnl::primitive primitive;
    std::vector<dnnl::memory> memories;
    std::vector<Place> places;
    std::vector<dnnl_exec_arg_t> args;
    bool is_copy = false;
    bool active = true;
  };
  RuntimePtr runtime_;
  std::vector<Step> steps_;
};

/// A change of order; its scratch memory is its own.
class ReorderKernel final : public Kernel {
 public:
  ReorderKernel(RuntimePtr runtime, const Desc& from, const Desc& to);
  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void* scratch) override;
  void run() override { sequence_.run(); }

 private:
  Sequence sequence_;
  std::shared_ptr<void> scratch_;
};

/// Collects what a KernelPlan says. Inputs are wanted, and outputs given, in the order of their descriptors; an output that
/// nobody uses gets scratch memory.
class Planner {
 public:
  Planner(const KernelRequest& request, RuntimePtr runtime);

  /// A descriptor of input i as it lies now; throws Unsupported for layouts that are not descriptors.
  Desc incoming(size_t i) const;
  /// The descriptor among those of inputs of the node's first output's shape that is not plain, or plain.
  Desc incoming_order() const;
  /// A plain descriptor of input or output i.
  Desc plain_input(size_t i) const { return row_major(request_.node.inputs()[i].type()); }
  Desc plain_output(size_t i) const { return row_major(request_.node.types()[i]); }

  /// A further place in scratch memory.
  Place temporary(const Desc& desc);
  void step(const dnnl::primitive& primitive, const Desc& scratchpad, std::vector<Arg> args);
  template <class P>
  void step(const typename P::primitive_desc& pd, std::vector<Arg> args) {
    step(P(pd), pd.scratchpad_desc(), std::move(args));
  }
  /// Output `o` starts as a copy of input `i`, unless they share memory.
  void copy(size_t i, size_t o, const Desc& desc);
  /// Output `o` is a workspace, not a value in some order.
  void workspace(size_t o, LayoutPtr layout) { plan_.outputs[o] = std::move(layout); }
  void in_place(size_t output, size_t input) { plan_.in_place.emplace_back(output, input); }

  KernelPlan finish(std::string name);

 private:
  struct Pending {
    dnnl::primitive primitive;
    std::vector<Arg> args;
    size_t scratchpad;  ///< bytes
    Desc scratchpad_desc;
    bool is_copy;
  };
  Place resolve(const Arg& arg);

  const KernelRequest& request_;
  RuntimePtr runtime_;
  KernelPlan plan_;
  std::vector<Pending> steps_;
  std::vector<std::optional<Place>> unused_;  ///< where an unused output's values go
  size_t temporaries_ = 0;
};

}  // namespace ocellus::onednn
