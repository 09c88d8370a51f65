// Arithmetic with bytes. Output scales are part of a primitive (2.6.3 has no fast convolution that takes them when it runs), so
// multipliers must be constants; so must a scale that is folded into them, which is where a factor after a sum is free.
#include <ocellus/ops/quantize.h>

#include <algorithm>
#include <array>

#include <ocellus/graph/parameter.h>

#include "backend/onednn/attributes.h"
#include "backend/onednn/onednn_backend.h"

namespace ocellus {
namespace onednn {
namespace {

using Conv8 = dnnl::convolution_forward;
using Dense8 = dnnl::inner_product_forward;

Desc any_order(const Dims& dims, DType dtype) { return {dims, data_type(dtype), dnnl::memory::format_tag::any}; }

Desc any_order(const TensorType& type) { return any_order({type.shape.begin(), type.shape.end()}, type.dtype); }

Desc with_type(Desc desc, DType dtype) {
  desc.data.data_type = static_cast<dnnl_data_type_t>(data_type(dtype));
  return desc;
}

/// Without these instructions products of bytes are added in pairs into 16 bits, which overflow.
bool has_byte_products() {
  constexpr auto avx2 = static_cast<unsigned>(dnnl::cpu_isa::avx2_vnni),
                 avx512 = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_vnni);
  const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  return (isa & avx2) == avx2 || (isa & avx512) == avx512;
}

/// The function g with g(a x) = a f(x) for positive a, if there is one: a factor may come before it instead of after f.
std::optional<Activation> behind_factor(Activation f, double a) {
  if (f.kind == ActivationKind::clip) return Activation{f.kind, f.alpha * a, f.beta * a};
  const bool homogeneous = f.kind <= ActivationKind::leaky_relu;
  return homogeneous ? std::optional(f) : std::nullopt;
}

/// Empty if the library can do it.
std::string refusal(const Node& node) {
  const auto& op = dynamic_cast<const QuantizedProducts&>(node.op());
  if (!has_byte_products()) return "a processor without products of bytes (VNNI)";
  if (!node.inputs()[2].node().as<ConstantOp>()) return "for multipliers that are constants";
  if (op.dtype != DType::f32 && !behind_factor(op.activation, 1 / op.scale)) return "an output of bytes behind such an activation";
  return "";
}

/// How sums become outputs: output scales, then a residual that lies in the output already, then the activation.
dnnl::primitive_attr attributes(const Node& node) {
  const auto& op = dynamic_cast<const QuantizedProducts&>(node.op());
  const bool bytes = op.dtype != DType::f32;
  const auto m = node.inputs()[2].node().as<ConstantOp>()->tensor.as<float>();
  std::vector<float> scales;
  for (const float v : m) scales.push_back(bytes ? static_cast<float>(v / op.scale) : v);
  dnnl::primitive_attr attr = user_scratchpad();
  attr.set_output_scales(1 << 1, scales);
  dnnl::post_ops post_ops;
  if (op.residual)
    post_ops.append_sum(bytes ? static_cast<float>(op.residual_scale / op.scale) : 1.0f, 0,
                        data_type(node.inputs().back().dtype()));
  append_activation(post_ops, bytes ? *behind_factor(op.activation, 1 / op.scale) : op.activation);
  attr.set_post_ops(post_ops);
  return attr;
}

template <class P>
KernelAnswer plan_products(const KernelRequest& request, const RuntimePtr& runtime,
                           const typename P::primitive_desc& pd) {
  const auto& op = dynamic_cast<const QuantizedProducts&>(request.node.op());
  Planner plan(request, runtime);
  if (op.residual) {
    const size_t i = request.node.inputs().size() - 1;
    plan.copy(i, 0, with_type(pd.dst_desc(), request.node.inputs()[i].dtype()));
    plan.in_place(0, i);
  }
  std::vector<Arg> args = {{DNNL_ARG_SRC, in(0), pd.src_desc()},
                           {DNNL_ARG_WEIGHTS, in(1), pd.weights_desc()},
                           {DNNL_ARG_DST, out(0), pd.dst_desc()}};
  if (op.bias) args.push_back({DNNL_ARG_BIAS, in(3), pd.bias_desc()});
  plan.step<P>(pd, std::move(args));
  return plan.finish(pd.impl_info_str());
}

KernelAnswer make_conv(const KernelRequest& request, Backend& backend) {
  if (auto why = refusal(request.node); !why.empty()) return why;
  const auto& op = *request.node.as<QuantizedConv>();
  const auto& inputs = request.node.inputs();
  const Shape &x = inputs[0].shape(), &w = inputs[1].shape();
  const WindowDims window = window_dims(place(op.window, spatial(x), spatial(w)));
  Dims weight_dims(w.begin(), w.end());
  if (op.groups > 1) {
    weight_dims[0] /= op.groups;
    weight_dims.insert(weight_dims.begin(), op.groups);
  }
  const Desc src = any_order(inputs[0].type()), weights = any_order(weight_dims, DType::i8),
             dst = any_order(request.node.types()[0]);
  const Desc bias = op.bias ? row_major(inputs[3].type()) : Desc();
  const auto prop = dnnl::prop_kind::forward_inference;
  constexpr auto direct = dnnl::algorithm::convolution_direct;
  const RuntimePtr& runtime = runtime_of(backend);
  const auto desc = op.bias ? Conv8::desc(prop, direct, src, weights, bias, dst, window.stride, window.dilation,
                                          window.pad_begin, window.pad_end)
                            : Conv8::desc(prop, direct, src, weights, dst, window.stride, window.dilation,
                                          window.pad_begin, window.pad_end);
  return plan_products<Conv8>(request, runtime, {desc, attributes(request.node), runtime->engine()});
}

KernelAnswer make_dense(const KernelRequest& request, Backend& backend) {
  if (auto why = refusal(request.node); !why.empty()) return why;
  const auto& op = *request.node.as<QuantizedDense>();
  const auto& inputs = request.node.inputs();
  const Desc src = any_order(inputs[0].type()), weights = any_order(inputs[1].type()),
             dst = any_order(request.node.types()[0]);
  const auto prop = dnnl::prop_kind::forward_inference;
  const RuntimePtr& runtime = runtime_of(backend);
  const auto desc = op.bias ? Dense8::desc(prop, src, weights, row_major(inputs[3].type()), dst)
                            : Dense8::desc(prop, src, weights, dst);
  return plan_products<Dense8>(request, runtime, {desc, attributes(request.node), runtime->engine()});
}

/// A change of type with a factor, in an order of bytes: convolutions of bytes want their channels last.
KernelAnswer plan_scaled(const KernelRequest& request, const RuntimePtr& runtime, double factor, const Desc& to) {
  Planner plan(request, runtime);
  const Desc from = plan.incoming(0);
  dnnl::primitive_attr attr = user_scratchpad();
  attr.set_output_scales(0, {static_cast<float>(factor)});
  const dnnl::reorder::primitive_desc pd(runtime->engine(), from, runtime->engine(), to, attr);
  plan.step<dnnl::reorder>(pd, {{DNNL_ARG_FROM, in(0), from}, {DNNL_ARG_TO, out(0), to}});
  return plan.finish(pd.impl_info_str());
}

KernelAnswer make_quantize(const KernelRequest& request, Backend& backend) {
  const TensorType& q = request.node.types()[0];
  const Desc to = channels_last({q.shape.begin(), q.shape.end()}, data_type(q.dtype));
  return plan_scaled(request, runtime_of(backend), 1 / request.node.as<Quantize>()->scale, to);
}

KernelAnswer make_dequantize(const KernelRequest& request, Backend& backend) {
  const Desc from = desc_of(request.inputs[0], request.node.inputs()[0].type());
  return plan_scaled(request, runtime_of(backend), request.node.as<Dequantize>()->scale, with_type(from, DType::f32));
}

}  // namespace
}  // namespace onednn

std::span<const KernelEntry> onednn_kernels_in_quantized() {
  static constexpr std::array<KernelEntry, 4> table = {{
      {"quantized_conv", "onednn convolution", 10, onednn::make_conv},
      {"quantized_dense", "onednn inner product", 10, onednn::make_dense},
      {"quantize", "onednn reorder", 10, onednn::make_quantize},
      {"dequantize", "onednn reorder", 10, onednn::make_dequantize},
  }};
  return table;
}

}  // namespace ocellus
