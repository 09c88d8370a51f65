// Runtime: what all of a backend's kernels and layouts share of the library.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ocellus::onednn {

using Desc = dnnl::memory::desc;
using Dims = dnnl::memory::dims;

/// The CPU's engine and an in-order stream, on which a primitive has finished when its call returns. Layouts hold on to it,
/// so that parameters outlive the backend that laid them out.
class Runtime {
 public:
  Runtime();

  const dnnl::engine& engine() const { return engine_; }
  dnnl_stream_t stream() const { return stream_.get(); }
  /// "avx512_core_bf16, 2 threads": whatever choices by measurement depend on.
  std::string machine() const;
  /// Channels in a block of the layout that convolutions like best; 1 for channels last.
  int64_t channel_block() const { return channel_block_; }

  /// Primitives made so far: constant while programs run.
  int64_t primitives() const { return primitives_; }
  void count_primitive() { ++primitives_; }

  /// Seconds that a primitive takes when nothing disturbs it, by running it on zeros. `args` are its arguments and their descriptions.
  double measure(const dnnl::primitive& primitive, const std::vector<std::pair<int, Desc>>& args);
  /// The same of anything that can be run again and again.
  double measure(const std::function<void()>& run) const;

 private:
  dnnl::engine engine_;
  dnnl::stream stream_;
  int64_t channel_block_ = 1;
  int64_t primitives_ = 0;
};
using RuntimePtr = std::shared_ptr<Runtime>;

/// Primitives take their scratch memory from us: the engine plans it with everything else.
dnnl::primitive_attr user_scratchpad();

}  // namespace ocellus::onednn
