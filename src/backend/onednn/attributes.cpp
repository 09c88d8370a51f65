#include "backend/onednn/attributes.h"

namespace ocellus::onednn {

std::optional<Eltwise> eltwise_of(const Activation& a) {
  using algorithm = dnnl::algorithm;
  switch (a.kind) {
    case ActivationKind::relu: return Eltwise{algorithm::eltwise_relu, algorithm::eltwise_relu_use_dst_for_bwd};
    case ActivationKind::leaky_relu:
      if (a.alpha < 0) return std::nullopt;  // the output's sign would not tell the input's
      return Eltwise{algorithm::eltwise_relu, algorithm::eltwise_relu_use_dst_for_bwd, static_cast<float>(a.alpha)};
    case ActivationKind::sigmoid:
      return Eltwise{algorithm::eltwise_logistic, algorithm::eltwise_logistic_use_dst_for_bwd};
    case ActivationKind::tanh:
      if (a.alpha != 1 || a.beta != 1) return std::nullopt;
      return Eltwise{algorithm::eltwise_tanh, algorithm::eltwise_tanh_use_dst_for_bwd};
    default: return std::nullopt;
  }
}

void append_activation(dnnl::post_ops& post_ops, const Activation& a) {
  using algorithm = dnnl::algorithm;
  const auto alpha = static_cast<float>(a.alpha), beta = static_cast<float>(a.beta);
  switch (a.kind) {
    case ActivationKind::none: return;
    case ActivationKind::relu: return post_ops.append_eltwise(1, algorithm::eltwise_relu, 0, 0);
    case ActivationKind::leaky_relu: return post_ops.append_eltwise(1, algorithm::eltwise_relu, alpha, 0);
    case ActivationKind::sigmoid: return post_ops.append_eltwise(1, algorithm::eltwise_logistic, 0, 0);
    case ActivationKind::tanh:
      // beta as the scale of tanh: two linear steps would both get the constants of the first.
      if (alpha != 1) post_ops.append_eltwise(1, algorithm::eltwise_linear, alpha, 0);
      return post_ops.append_eltwise(beta, algorithm::eltwise_tanh, 0, 0);
    case ActivationKind::clip: return post_ops.append_eltwise(1, algorithm::eltwise_clip, alpha, beta);
    case ActivationKind::elu: return post_ops.append_eltwise(1, algorithm::eltwise_elu, alpha, 0);
    case ActivationKind::silu: return post_ops.append_eltwise(1, algorithm::eltwise_swish, 1, 0);
    case ActivationKind::hard_swish: return post_ops.append_eltwise(1, algorithm::eltwise_hardswish, 0, 0);
    case ActivationKind::hard_sigmoid:
      post_ops.append_eltwise(1, algorithm::eltwise_linear, alpha, beta);
      return post_ops.append_eltwise(1, algorithm::eltwise_clip, 0, 1);
    case ActivationKind::mish: return post_ops.append_eltwise(1, algorithm::eltwise_mish, 0, 0);
    case ActivationKind::gelu: return post_ops.append_eltwise(1, algorithm::eltwise_gelu_erf, 0, 0);
    case ActivationKind::gelu_tanh: return post_ops.append_eltwise(1, algorithm::eltwise_gelu_tanh, 0, 0);
  }
}

dnnl::primitive_attr followed_by(const Activation& activation) {
  dnnl::primitive_attr attr = user_scratchpad();
  dnnl::post_ops post_ops;
  append_activation(post_ops, activation);
  attr.set_post_ops(post_ops);
  return attr;
}

WindowDims window_dims(const PlacedWindow& window) {
  WindowDims dims{window.kernel, window.stride, window.dilation, window.pad_begin, window.pad_end};
  for (int64_t& d : dims.dilation) --d;
  return dims;
}

}  // namespace ocellus::onednn
