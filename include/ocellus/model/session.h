// Session: prediction from many threads at once.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ocellus/model/model.h>

namespace ocellus {

struct SessionConfig {
  int64_t batch = 1;                      ///< samples computed at once
  int callers = 0;                        ///< calls of `run` that go on at the same time, others wait; 0: one a core
  int threads = 1;                        ///< that one call computes with
  std::vector<std::string> outputs = {};  ///< values of the graph by name; empty: all outputs
};

/// A model compiled for inference. `run` may be called from any number of threads: parameters and packed weights are shared and
/// only read, everything else there is once for each of `callers`, and nothing on the way takes a lock while a place is free.
/// Holds the weights as they were when it was made; the model may be trained on only when no session is running.
class OCELLUS_API Session {
 public:
  explicit Session(const Model& model, const SessionConfig& config = {});
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// The outputs for one tensor [N,...] an input, with any N. Throws ShapeError for another number of tensors or other shapes.
  std::vector<Tensor> run(std::span<const Tensor> inputs) const;
  /// The first output for a model of one input.
  Tensor run(const Tensor& samples) const;

  /// Bytes that a further caller costs, and bytes that all share: parameters and packed weights.
  size_t bytes_of_caller() const;
  size_t shared_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ocellus
