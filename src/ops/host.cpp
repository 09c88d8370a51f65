// Host operators hold functions of this process, so they can't be saved: none is in the table of operators.

#include <ocellus/ops/host.h>

#include <fmt/format.h>

#include <ocellus/ops/elementwise.h>

#include "ops/support/arguments.h"

namespace ocellus {
namespace {

/// Tensors in the dtypes that user code was promised: in double precision floating ones come as f64. Those that need no
/// conversion share their buffer.
class Declared {
 public:
  Declared(std::span<const Tensor> given, std::span<const DType> dtypes) {
    for (size_t i = 0; i < given.size(); ++i) tensors_.push_back(given[i].to(dtypes[i]));
  }
  std::span<Tensor> tensors() { return tensors_; }
  /// Writes the tensors back to those given.
  void store(std::span<Tensor> to) const {
    for (size_t i = 0; i < to.size(); ++i)
      if (tensors_[i].data() != to[i].data()) to[i].copy_from(tensors_[i].to(to[i].dtype()));
  }

 private:
  std::vector<Tensor> tensors_;
};

std::vector<DType> input_dtypes(const Node& node) {
  std::vector<DType> dtypes;
  for (const Value& v : node.inputs()) dtypes.push_back(v.dtype());
  return dtypes;
}

std::vector<DType> output_dtypes(const Node& node) {
  std::vector<DType> dtypes;
  for (const TensorType& t : node.types()) dtypes.push_back(t.dtype);
  return dtypes;
}

}  // namespace

void HostOp::attrs(AttrVisitor& v) const {
  v("label", spec->name);
  v.opaque("spec", spec.get());
}

Types HostOp::infer(std::span<const TensorType> inputs) const {
  try {
    return spec->infer(inputs);
  } catch (const ShapeError& e) {
    throw ShapeError(spec->name + ": " + e.message());
  } catch (const TypeError& e) {
    throw TypeError(spec->name + ": " + e.message());
  }
}

Values HostOp::gradient(GradCtx& ctx) const { return spec->gradient ? spec->gradient(ctx) : Values(ctx.inputs()); }

void HostOp::eval(EvalCtx& ctx) const {
  Declared inputs(ctx.inputs, input_dtypes(ctx.node));
  Declared outputs(ctx.outputs, output_dtypes(ctx.node));
  spec->run(inputs.tensors(), outputs.tensors());
  outputs.store(ctx.outputs);
}

void HostLoss::attrs(AttrVisitor& v) const {
  v("label", label);
  v("parts", fmt::format("{}", fmt::join(parts, ",")));
  v.opaque("fn", fn.get());
}

Types HostLoss::infer(std::span<const TensorType> inputs) const {
  if (inputs.empty()) throw ShapeError(label + ": needs a prediction");
  if (inputs[0].dtype != DType::f32)
    throw TypeError(label + ": the prediction must be f32, got " + to_string(inputs[0]));
  return {{DType::f32, {}}, inputs[0], {DType::f32, {static_cast<int64_t>(parts.size())}}};
}

Values HostLoss::gradient(GradCtx& ctx) const {
  Values din(ctx.inputs());
  if (ctx.dout(0) && ctx.needs(0)) din[0] = ops::mul(ctx.dout(0), ctx.out(1));
  return din;
}

void HostLoss::eval(EvalCtx& ctx) const {
  Declared inputs(ctx.inputs, input_dtypes(ctx.node));
  Declared outputs(ctx.outputs, output_dtypes(ctx.node));
  Tensor& gradient = outputs.tensors()[1];
  gradient.fill(0);
  const Shape expected = gradient.shape();
  const std::vector<LossPart> values = (*fn)(inputs.tensors()[0], inputs.tensors().subspan(1), gradient);
  if (!gradient || !(gradient.shape() == expected) || gradient.dtype() != DType::f32)
    throw UsageError(fmt::format("[host_loss {}] replaced the gradient of f32{} with {}", label, expected.to_string(),
                                 gradient ? to_string(TensorType{gradient.dtype(), gradient.shape()}) : "nothing"));
  bool same = values.size() == parts.size();
  for (size_t i = 0; same && i < parts.size(); ++i) same = values[i].name == parts[i];
  if (!same) {
    std::vector<std::string> names;
    for (const LossPart& part : values) names.push_back(part.name);
    throw UsageError(fmt::format("[host_loss {}] gave the parts [{}], declared are [{}]", label, fmt::join(names, ","),
                                 fmt::join(parts, ",")));
  }
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i].in_loss) sum += values[i].value;
    outputs.tensors()[2].as<float>()[i] = static_cast<float>(values[i].value);
  }
  outputs.tensors()[0].as<float>()[0] = static_cast<float>(sum);
  outputs.store(ctx.outputs);
}

Values host_op(HostSpec spec, const Values& inputs) {
  if (spec.name.empty() || !spec.infer || !spec.run)
    throw UsageError(fmt::format("[host {}] needs a name, a shape rule and a function", spec.name));
  auto op = std::make_shared<HostOp>();
  op->spec = std::make_shared<const HostSpec>(std::move(spec));
  return emit(std::move(op), inputs);
}

Values host_loss(const HostLossConfig& config, const Value& prediction, const Values& aux) {
  if (config.name.empty() || config.parts.empty() || !config.fn)
    throw UsageError(fmt::format("[host_loss {}] needs a name, the names of its parts and a function", config.name));
  auto op = std::make_shared<HostLoss>();
  op->label = config.name;
  op->parts = config.parts;
  op->fn = std::make_shared<const HostLossFn>(config.fn);
  Values inputs = {prediction};
  inputs.insert(inputs.end(), aux.begin(), aux.end());
  const Values outputs = emit(std::move(op), std::move(inputs));
  return {outputs[0], outputs[2]};
}

std::span<const OpEntry> ops_in_host() { return {}; }

}  // namespace ocellus
