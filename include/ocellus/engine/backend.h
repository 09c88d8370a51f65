// Backend: what turns operators into kernels. An object, never a singleton.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <ocellus/graph/op.h>
#include <ocellus/tensor/layout.h>

namespace ocellus {

class Kernel;
struct KernelRequest;
struct KernelOffer;

/// Makes kernels for nodes and for changes of layout. Not thread-safe: compile with one backend from one thread at a time.
class OCELLUS_API Backend {
 public:
  virtual ~Backend();
  virtual std::string_view name() const = 0;
  /// Library, version and instruction set, for `ocellus info` and reports.
  virtual std::string describe() const = 0;
  /// The first kernel that accepts the request, and why others did not. The engine falls back to the reference evaluation.
  virtual KernelOffer offer(const KernelRequest& request) = 0;
  /// A kernel that copies a value from one layout to another (null: plain).
  virtual std::unique_ptr<Kernel> reorder(const TensorType& type, const LayoutPtr& from, const LayoutPtr& to) = 0;
  /// Choices made by measurement, as a text to keep with a checkpoint: restoring them makes later programs compute the same
  /// bits.
  virtual std::string decisions() const { return ""; }
  virtual void restore_decisions(std::string_view) {}
};
using BackendPtr = std::shared_ptr<Backend>;

}  // namespace ocellus
