// Convolution by a connection table: each output sees some of the inputs.
#pragma once

#include <ocellus/nn/extent.h>
#include <ocellus/nn/initialiser.h>
#include <ocellus/nn/layer.h>
#include <ocellus/ops/conv.h>

namespace ocellus::nn {

struct TableConv2DConfig {
  std::vector<std::vector<int64_t>> table = {};  ///< for each output map the input channels that it sees, ascending
  Extent kernel = 5;
  Padding padding = valid;
  ocellus::Activation activation = linear;
  Initialiser kernel_initialiser = lecun_1998();
  std::string name = {};
};

/// A convolution whose "kernel" [connections,1,kernel] holds one plane for each connection of the table, as LeNet-5's C3
/// has it (LeCun et al. 1998, table I); "bias" [outputs].
class OCELLUS_API TableConv2D final : public Layer {
 public:
  explicit TableConv2D(TableConv2DConfig config);  ///< throws UsageError for an empty table or row

 protected:
  Values call(Build& build, const Values& inputs) const override;

 private:
  TableConv2DConfig config_;
};

}  // namespace ocellus::nn
