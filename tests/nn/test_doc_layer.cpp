// The example of docs/add-a-layer.md: a layer that a program defines for itself, with public headers alone.
#include <gmock/gmock.h>

#include <ocellus/engine/reference.h>
#include <ocellus/nn/initialiser.h>
#include <ocellus/nn/layer.h>
#include <ocellus/ops/elementwise.h>

#include "nn/layer_check.h"

namespace ocellus::nn {
namespace {

struct ChannelScaleConfig {
  float start = 1;  ///< what every channel is multiplied by at first
  std::string name = {};
};

/// Multiplies each channel of [N,C,H,W] by a number that is learnt, "scale" [C,1,1]
/// (Touvron et al., "Going deeper with image transformers", 2021, call it LayerScale).
class ChannelScale final : public Layer {
 public:
  explicit ChannelScale(ChannelScaleConfig config = {}) : Layer("ChannelScale", config.name), config_(config) {}

 protected:
  Values call(Build& build, const Values& inputs) const override {
    const Value& x = single(inputs);
    if (x.shape().rank() != 4) throw ShapeError("needs an input [N,C,H,W], got " + to_string(x.type()));
    const Shape per_channel = {x.shape()[1], 1, 1};
    const Value scale = build.parameter("scale", per_channel, ParamRole::norm_scale, constant(config_.start));
    return {ops::mul(x, scale)};
  }

 private:
  ChannelScaleConfig config_;
};

TEST(ChannelScale, IsALayer) {
  layer_check({.title = "three channels",
               .make = maker<ChannelScale>(ChannelScaleConfig{.start = 0.5f}),
               .samples = {{3, 4, 5}},
               .output = {3, 4, 5},
               .parameters = {{"scale", {3, 1, 1}}}});
}

TEST(ChannelScale, MultipliesEachChannelByItsOwnNumber) {
  const ChannelScale layer;
  Graph graph;
  graph.inputs = {input({2, 1, 2})};
  graph.outputs = {layer(graph.inputs)};
  layer.parameters()[0]->set_value(Tensor::of<float>({2, 1, 1}, {10, -1}));
  const Tensor images = Tensor::of<float>({1, 2, 1, 2}, {1, 2, 3, 4});
  const Tensor y = evaluate(graph, std::span(&images, 1))[0];
  EXPECT_THAT(y.as<float>(), testing::ElementsAre(10, 20, -3, -4));
}

TEST(ChannelScale, RefusesOtherRanksAndSaysWhere) {
  const ChannelScale layer({.name = "block1/scale"});
  EXPECT_THAT([&] { layer(input({7})); }, testing::ThrowsMessage<ShapeError>(
                                              "[channel_scale block1/scale] needs an input [N,C,H,W], got f32[N,7]"));
}

}  // namespace
}  // namespace ocellus::nn
