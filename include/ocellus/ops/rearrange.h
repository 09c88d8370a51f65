// Blocks of spatial positions moved into channels, and back.
#pragma once

#include <ocellus/graph/op.h>

namespace ocellus {

/// Where the elements of a block go among the deep tensor's channels. `dcr`: block place first, channel last (ONNX DCR,
/// TensorFlow). `crd`: channel first (ONNX CRD, PyTorch's pixel shuffle). `darknet`: what its [reorg] layer does with
/// YOLOv2's passthrough: the wide tensor's memory, C x H x W, is taken for one of C / block^2 channels and H block x W
/// block positions, and that is rearranged as `dcr` is; the result's memory, C x H x W, is taken for C block^2 channels
/// and H / block x W / block positions.
enum class BlockOrder : uint8_t { dcr, crd, darknet };
OCELLUS_API std::span<const std::string_view> enum_names(BlockOrder);

/// [N,C,spatial...] to [N, C block^d, spatial / block...] for d = 1 to 3 spatial dimensions.
class OCELLUS_API SpaceToDepth final : public Op {
 public:
  int64_t block = 2;
  BlockOrder order = BlockOrder::dcr;

  std::string_view name() const override { return "space_to_depth"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

/// The inverse of SpaceToDepth: [N,C,spatial...] to [N, C / block^d, spatial block...]. Darknet's [reorg] with
/// reverse=1 is the `dcr` order of this, not the inverse of its own forward layer.
class OCELLUS_API DepthToSpace final : public Op {
 public:
  int64_t block = 2;
  BlockOrder order = BlockOrder::dcr;

  std::string_view name() const override { return "depth_to_space"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
};

namespace ops {
struct BlockConfig {
  int64_t block = 2;
  BlockOrder order = BlockOrder::dcr;
};
OCELLUS_API Value space_to_depth(const Value& x, const BlockConfig& config = {});
OCELLUS_API Value depth_to_space(const Value& x, const BlockConfig& config = {});
}  // namespace ops

}  // namespace ocellus
