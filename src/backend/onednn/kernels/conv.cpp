#include <ocellus/ops/conv.h>

#include <array>

#include "backend/onednn/conv_shape.h"
#include "backend/onednn/onednn_backend.h"
#include "backend/onednn/winograd.h"

namespace ocellus {
namespace onednn {
namespace {

std::string name_of(const dnnl::primitive_desc_base& pd) { return pd.impl_info_str(); }

/// How a residual joins: added to what the output holds already, or read from where it lies.
enum class Residual : uint8_t { none, accumulate, read };

dnnl::primitive_attr attributes(const Conv& op, Residual residual, const Desc& residual_desc) {
  dnnl::primitive_attr attr = user_scratchpad();
  dnnl::post_ops post_ops;
  if (residual == Residual::accumulate) post_ops.append_sum(1);
  if (residual == Residual::read) post_ops.append_binary(dnnl::algorithm::binary_add, residual_desc);
  append_activation(post_ops, op.activation);
  attr.set_post_ops(post_ops);
  return attr;
}

KernelPlan plan_forward(const KernelRequest& request, const RuntimePtr& runtime, const ConvForward::primitive_desc& pd,
                        Residual residual) {
  const auto& op = *request.node.as<Conv>();
  Planner plan(request, runtime);
  std::vector<Arg> args = {{DNNL_ARG_SRC, in(0), pd.src_desc()},
                           {DNNL_ARG_WEIGHTS, in(1), pd.weights_desc()},
                           {DNNL_ARG_DST, out(0), pd.dst_desc()}};
  if (op.bias) args.push_back({DNNL_ARG_BIAS, in(2), pd.bias_desc()});
  const size_t residual_input = op.bias ? 3 : 2;
  if (residual == Residual::accumulate) {
    plan.copy(residual_input, 0, pd.dst_desc());
    plan.in_place(0, residual_input);
  }
  if (residual == Residual::read)
    args.push_back({DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, in(residual_input), pd.dst_desc()});
  plan.step<ConvForward>(pd, std::move(args));
  return plan.finish(name_of(pd));
}

/// In inference a residual is usually read for the last time here, so its memory can be the output's. In training the
/// backward pass still needs it.
KernelAnswer make_conv(const KernelRequest& request, Backend& backend) {
  const auto& op = *request.node.as<Conv>();
  const RuntimePtr& runtime = runtime_of(backend);
  const auto& inputs = request.node.inputs();
  ConvShape shape(inputs[0].type(), inputs[1].type(), op.window, op.groups);
  shape.bias = op.bias;
  ConvContext context{.direction = Direction::forward, .training = request.training};
  context.src = desc_of(request.inputs[0], inputs[0].type());
  if (op.residual) context.dst = desc_of(request.inputs.back(), inputs.back().type());
  const auto described = [&](Residual residual, const Desc& residual_desc) {
    context.attr = attributes(op, residual, residual_desc);
    const Variant v = choose_variant(onednn_backend(backend), shape, context);
    return forward_desc(*runtime, shape, v, request.training, context.attr);
  };
  const auto with = [&](Residual residual) {
    Desc residual_desc;  // in the output's order, which is known without it
    if (residual == Residual::read) residual_desc = described(Residual::none, {}).dst_desc();
    return plan_forward(request, runtime, described(residual, residual_desc), residual);
  };
  context.attr = attributes(op, Residual::none, {});
  if (const auto tiles = winograd_shape(shape, context.direction, choose_variant(onednn_backend(backend), shape, context));
      tiles && winograd_takes(op.activation))
    return winograd_forward(request, runtime, *tiles);
  if (!op.residual) return with(Residual::none);
  if (!request.training) return with(Residual::accumulate);
  try {
    return with(Residual::read);
  } catch (const dnnl::error&) {
    return with(Residual::accumulate);
  }
}

KernelAnswer make_backward_data(const KernelRequest& request, Backend& backend) {
  const auto& op = *request.node.as<ConvBackwardData>();
  const RuntimePtr& runtime = runtime_of(backend);
  const ConvShape shape(request.node.types()[0], request.node.inputs()[1].type(), op.window, op.groups);
  Planner plan(request, runtime);
  const Variant v =
      choose_variant(onednn_backend(backend), shape,
                     {.direction = Direction::backward_data, .training = request.training, .dst = plan.incoming(0)});
  if (const auto tiles = winograd_shape(shape, Direction::backward_data, v))
    return winograd_backward_data(request, runtime, *tiles);
  const auto pd = backward_data_desc(*runtime, shape, v);
  plan.step<ConvData>(pd, {{DNNL_ARG_DIFF_DST, in(0), pd.diff_dst_desc()},
                           {DNNL_ARG_WEIGHTS, in(1), pd.weights_desc()},
                           {DNNL_ARG_DIFF_SRC, out(0), pd.diff_src_desc()}});
  return plan.finish(name_of(pd));
}

KernelAnswer make_backward_weights(const KernelRequest& request, Backend& backend) {
  const auto& op = *request.node.as<ConvBackwardWeights>();
  const RuntimePtr& runtime = runtime_of(backend);
  ConvShape shape(request.node.inputs()[0].type(), request.node.types()[0], op.window, op.groups);
  shape.bias = op.bias;
  Planner plan(request, runtime);
  const Variant v =
      choose_variant(onednn_backend(backend), shape,
                     {.direction = Direction::backward_weights, .src = plan.incoming(0), .dst = plan.incoming(1)});
  if (const auto tiles = winograd_shape(shape, Direction::backward_weights, v))
    return winograd_backward_weights(request, runtime, *tiles);
  const auto pd = backward_weights_desc(*runtime, shape, v);
  // It takes positions in pairs, and for the partner of the only one it reads memory that nobody wrote (2.6.3).
  if (shape.dst.back() == 1 && name_of(pd).starts_with("jit_bf16:"))
    return "in bf16 the library's kernel wants more than one position in a row";
  std::vector<Arg> args = {{DNNL_ARG_SRC, in(0), pd.src_desc()},
                           {DNNL_ARG_DIFF_DST, in(1), pd.diff_dst_desc()},
                           {DNNL_ARG_DIFF_WEIGHTS, out(0), pd.diff_weights_desc()}};
  if (op.bias) args.push_back({DNNL_ARG_DIFF_BIAS, out(1), pd.diff_bias_desc()});
  plan.step<ConvWeights>(pd, std::move(args));
  return plan.finish(name_of(pd));
}

}  // namespace
}  // namespace onednn

std::span<const KernelEntry> onednn_kernels_in_conv() {
  static constexpr std::array<KernelEntry, 3> table = {{
      {"conv", "onednn convolution", 10, onednn::make_conv},
      {"conv_backward_data", "onednn convolution", 10, onednn::make_backward_data},
      {"conv_backward_weights", "onednn convolution", 10, onednn::make_backward_weights},
  }};
  return table;
}

}  // namespace ocellus
