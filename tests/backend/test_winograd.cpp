// Our own Winograd kernels in all directions, against the reference.
#include <gtest/gtest.h>

#include <ocellus/ops/conv.h>
#include <ocellus/ops/norm.h>

#include "backend/node_runner.h"
#include "backend/onednn/onednn_backend.h"
#include "backend/onednn/winograd.h"

namespace ocellus {
namespace {

using onednn::ConvShape;
using onednn::Direction;
using onednn::Variant;

/// Computes every convolution with one of our kernels, and everything else as usual.
class Tiled final : public Backend {
 public:
  explicit Tiled(Variant variant) : inner_({}), variant_(variant) {}

  std::string_view name() const override { return inner_.name(); }
  std::string describe() const override { return inner_.describe(); }
  std::unique_ptr<Kernel> reorder(const TensorType& type, const LayoutPtr& from, const LayoutPtr& to) override {
    return inner_.reorder(type, from, to);
  }
  KernelOffer offer(const KernelRequest& request) override {
    const Node& node = request.node;
    std::optional<KernelAnswer> answer;
    if (const auto* op = node.as<Conv>())
      answer = ask(request, node.inputs()[0].type(), node.inputs()[1].type(), *op, Direction::forward);
    if (const auto* op = node.as<ConvBackwardData>())
      answer = ask(request, node.types()[0], node.inputs()[1].type(), *op, Direction::backward_data);
    if (const auto* op = node.as<ConvBackwardWeights>())
      answer = ask(request, node.inputs()[0].type(), node.types()[0], *op, Direction::backward_weights);
    if (!answer) return inner_.offer(request);
    KernelOffer offer;
    if (auto* plan = std::get_if<KernelPlan>(&*answer))
      offer.plan = std::move(*plan);
    else
      offer.refusals.push_back({"winograd", std::get<std::string>(*answer)});
    return offer;
  }

 private:
  template <class Op>
  KernelAnswer ask(const KernelRequest& request, const TensorType& x, const TensorType& w, const Op& op,
                   Direction direction) {
    const auto shape = onednn::winograd_shape(ConvShape(x, w, op.window, op.groups), direction, variant_);
    if (!shape) return "does not fit";
    switch (direction) {
      case Direction::forward: return onednn::winograd_forward(request, inner_.runtime(), *shape);
      case Direction::backward_data: return onednn::winograd_backward_data(request, inner_.runtime(), *shape);
      case Direction::backward_weights: return onednn::winograd_backward_weights(request, inner_.runtime(), *shape);
    }
    return "no such direction";
  }

  onednn::OneDnnBackend inner_;
  Variant variant_;
};

struct Sizes {
  std::string name;
  std::vector<int64_t> image;
  Padding padding = same;
  Activation activation = {};
  bool bias = true, residual = false, blocked = false;
  int64_t batch = 3;
};
void PrintTo(const Sizes& s, std::ostream* out) { *out << s.name; }

class Winograd : public ::testing::TestWithParam<Sizes> {
 protected:
  static void check(Variant variant, double tolerance) {
    constexpr int64_t in = 16, out = 32;
    const Sizes& s = GetParam();
    const auto f32 = [](std::string name, Shape shape) { return input(std::move(name), {DType::f32, shape}); };
    Values inputs = {f32("x", {s.batch, in, s.image[0], s.image[1]}), f32("w", {out, in, 3, 3})};
    if (s.bias) inputs.push_back(f32("b", {out}));
    Value x = inputs[0];
    if (s.blocked) {  // in training, normalisation leaves blocks of channels
      inputs.push_back(f32("scale", {in}));
      inputs.push_back(f32("offset", {in}));
      x = emit(std::make_shared<const BatchNormTrain>(), {x, inputs[inputs.size() - 2], inputs.back()})[0];
    }
    Conv op;
    op.window.padding = s.padding;
    op.activation = s.activation;
    op.bias = s.bias;
    op.residual = s.residual;
    Values arguments = {x, inputs[1]};
    if (s.bias) arguments.push_back(inputs[2]);
    if (s.residual) {
      Conv plain;
      plain.window.padding = s.padding;
      inputs.push_back(f32("r", apply(plain, {x, inputs[1]}).shape()));
      arguments.push_back(inputs.back());
    }
    Tiled backend(variant);
    const RunResult result = expect_agrees(backend, inputs, {apply(op, arguments)}, tolerance);
    int tiled = 0;
    for (const NodeReport& node : result.nodes) tiled += node.kernel.starts_with("winograd");
    EXPECT_EQ(tiled, 3);
  }
};

TEST_P(Winograd, TilesOf4x4AgreeWithReference) { check(Variant::winograd_4x4, 2e-4); }
TEST_P(Winograd, TilesOf2x2AgreeWithReference) { check(Variant::winograd_2x2, 2e-5); }

INSTANTIATE_TEST_SUITE_P(
    Sizes, Winograd,
    ::testing::Values(Sizes{"whole_tiles", {8, 8}}, Sizes{"remainders", {7, 9}, same, relu},
                      Sizes{"smaller_than_a_tile", {3, 3}}, Sizes{"one_result", {3, 3}, valid},
                      Sizes{"valid", {13, 6}, valid, leaky_relu(0.1)},
                      Sizes{"clipped", {14, 9}, same, {ActivationKind::clip, -0.25, 0.5}},
                      Sizes{"clipped_blocks", {10, 7}, same, {ActivationKind::clip, -0.25, 0.5}, true, false, true},
                      Sizes{"clipped_tiles_beyond_the_cache",
                            {64, 60},
                            same,
                            {ActivationKind::clip, -0.25, 0.5},
                            true,
                            false,
                            false,
                            5},
                      Sizes{"one_side", {6, 5}, Padding({0, 2}, {1, 0})},
                      Sizes{"more_than_it_sees", {5, 5}, Padding(2)}, Sizes{"without_bias", {9, 9}, same, {}, false},
                      Sizes{"residual", {10, 6}, same, relu, true, true},
                      Sizes{"residual_without_bias", {6, 6}, same, {}, false, true},
                      Sizes{"blocks_of_channels", {10, 7}, same, relu, true, false, true},
                      Sizes{"blocks_and_residual", {9, 8}, same, relu, false, true, true},
                      Sizes{"more_tiles_than_the_cache_holds", {64, 60}, same, relu, true, false, false, 5}),
    [](const auto& i) { return i.param.name; });

TEST(WinogradShape, RefusesWhatDoesNotFit) {
  const auto fits = [](std::vector<int64_t> w, Window window, int64_t groups = 1, DType dtype = DType::f32) {
    const TensorType x{dtype, {1, 32, 12, 12}};
    const ConvShape s(x, {dtype, Shape(std::span<const int64_t>(w))}, window, groups);
    return onednn::winograd_shape(s, Direction::forward, Variant::winograd_4x4).has_value();
  };
  EXPECT_TRUE(fits({32, 32, 3, 3}, {.padding = same}));
  EXPECT_FALSE(fits({32, 32, 5, 5}, {.padding = same}));
  EXPECT_FALSE(fits({32, 32, 3, 3}, {.stride = {2, 2}}));
  EXPECT_FALSE(fits({32, 32, 3, 3}, {.dilation = {2, 2}, .padding = same}));
  EXPECT_FALSE(fits({32, 32, 3, 3}, {.padding = Padding(3)}));
  EXPECT_FALSE(fits({30, 32, 3, 3}, {.padding = same}));
  EXPECT_FALSE(fits({32, 16, 3, 3}, {.padding = same}, 2));
  EXPECT_FALSE(fits({32, 32, 3, 3}, {.padding = same}, 1, DType::bf16));
}

}  // namespace
}  // namespace ocellus
