#include <ocellus/ops/dense.h>

#include <array>

#include <ocellus/base/threads.h>

#include "backend/onednn/attributes.h"
#include "backend/onednn/onednn_backend.h"

namespace ocellus {
namespace onednn {
namespace {

using Forward = dnnl::inner_product_forward;
using Data = dnnl::inner_product_backward_data;
using Weights = dnnl::inner_product_backward_weights;
using dnnl::prop_kind;

Desc any_order(const TensorType& type) {
  return {Dims(type.shape.begin(), type.shape.end()), data_type(type.dtype), dnnl::memory::format_tag::any};
}

Forward::primitive_desc forward_desc(const Runtime& runtime, prop_kind prop, const std::array<Desc, 4>& x_w_b_y,
                                     const dnnl::primitive_attr& attr) {
  const auto& [x, w, b, y] = x_w_b_y;
  if (b.data.ndims == 0) return {Forward::desc(prop, x, w, y), attr, runtime.engine()};
  return {Forward::desc(prop, x, w, b, y), attr, runtime.engine()};
}

/// One thread while it lives.
class OneThread {
 public:
  OneThread() : threads_(num_threads()) { set_num_threads(1); }
  ~OneThread() { set_num_threads(threads_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int threads_;
};

KernelAnswer make_dense(const KernelRequest& request, Backend& backend) {
  const auto& op = *request.node.as<Dense>();
  const auto& inputs = request.node.inputs();
  const RuntimePtr& runtime = runtime_of(backend);
  Planner plan(request, runtime);
  const Desc bias = op.bias ? plan.plain_input(2) : Desc();
  const auto prop = request.training ? prop_kind::forward_training : prop_kind::forward_inference;
  const auto pd =
      forward_desc(*runtime, prop,
                   {any_order(inputs[0].type()), any_order(inputs[1].type()), bias, any_order(request.node.types()[0])},
                   followed_by(op.activation));
  std::vector<Arg> args = {{DNNL_ARG_SRC, in(0), pd.src_desc()},
                           {DNNL_ARG_WEIGHTS, in(1), pd.weights_desc()},
                           {DNNL_ARG_DST, out(0), pd.dst_desc()}};
  if (op.bias) args.push_back({DNNL_ARG_BIAS, in(2), bias});
  plan.step<Forward>(pd, std::move(args));
  return plan.finish(pd.impl_info_str());
}

KernelAnswer make_backward_data(const KernelRequest& request, Backend& backend) {
  const auto& inputs = request.node.inputs();
  const RuntimePtr& runtime = runtime_of(backend);
  Planner plan(request, runtime);
  const Desc dy = any_order(inputs[0].type()), w = any_order(inputs[1].type()), dx = any_order(request.node.types()[0]);
  const auto hint = forward_desc(*runtime, prop_kind::forward_training, {dx, w, Desc(), dy}, user_scratchpad());
  const Data::primitive_desc pd(Data::desc(dx, w, dy), user_scratchpad(), runtime->engine(), hint);
  plan.step<Data>(pd, {{DNNL_ARG_DIFF_DST, in(0), pd.diff_dst_desc()},
                       {DNNL_ARG_WEIGHTS, in(1), pd.weights_desc()},
                       {DNNL_ARG_DIFF_SRC, out(0), pd.diff_src_desc()}});
  return plan.finish(pd.impl_info_str());
}

KernelAnswer make_backward_weights(const KernelRequest& request, Backend& backend) {
  const auto& op = *request.node.as<DenseBackwardWeights>();
  const auto& inputs = request.node.inputs();
  const auto& outputs = request.node.types();
  const RuntimePtr& runtime = runtime_of(backend);
  Planner plan(request, runtime);
  const Desc x = any_order(inputs[0].type()), dy = any_order(inputs[1].type()), dw = any_order(outputs[0]);
  const Desc db = op.bias ? plan.plain_output(1) : Desc();
  const auto hint = forward_desc(*runtime, prop_kind::forward_training, {x, dw, db, dy}, user_scratchpad());
  const Weights::desc desc = op.bias ? Weights::desc(x, dw, db, dy) : Weights::desc(x, dw, dy);
  const Weights::primitive_desc pd(desc, user_scratchpad(), runtime->engine(), hint);
  std::vector<Arg> args = {{DNNL_ARG_SRC, in(0), pd.src_desc()},
                           {DNNL_ARG_DIFF_DST, in(1), pd.diff_dst_desc()},
                           {DNNL_ARG_DIFF_WEIGHTS, out(0), pd.diff_weights_desc()}};
  if (op.bias) args.push_back({DNNL_ARG_DIFF_BIAS, out(1), db});
  plan.step<Weights>(pd, std::move(args));
  return plan.finish(pd.impl_info_str());
}

/// Runs a kernel on the calling thread alone.
class Alone final : public Kernel {
 public:
  explicit Alone(std::unique_ptr<Kernel> kernel) : kernel_(std::move(kernel)) {}
  void bind(std::span<void* const> inputs, std::span<void* const> outputs, void* scratch) override {
    kernel_->bind(inputs, outputs, scratch);
  }
  void run() override {
    const OneThread alone;
    kernel_->run();
  }

 private:
  std::unique_ptr<Kernel> kernel_;
};

/// The plan of `make`, on one thread where others would cost more than they save.
template <KernelAnswer (*make)(const KernelRequest&, Backend&)>
KernelAnswer on_threads(const KernelRequest& request, Backend& backend) {
  constexpr int64_t worth_a_thread = 200'000;  // multiply-accumulates
  Types inputs;
  for (const Value& v : request.node.inputs()) inputs.push_back(v.type());
  if (request.node.op().macs(inputs, request.node.types()) >= worth_a_thread) return make(request, backend);
  const OneThread alone;
  KernelAnswer answer = make(request, backend);
  if (auto* plan = std::get_if<KernelPlan>(&answer)) plan->kernel = std::make_unique<Alone>(std::move(plan->kernel));
  return answer;
}

}  // namespace
}  // namespace onednn

std::span<const KernelEntry> onednn_kernels_in_dense() {
  static constexpr std::array<KernelEntry, 3> table = {{
      {"dense", "onednn inner product", 10, onednn::on_threads<onednn::make_dense>},
      {"dense_backward_data", "onednn inner product", 10, onednn::on_threads<onednn::make_backward_data>},
      {"dense_backward_weights", "onednn inner product", 10, onednn::on_threads<onednn::make_backward_weights>},
  }};
  return table;
}

}  // namespace ocellus
