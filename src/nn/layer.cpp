#include <ocellus/nn/layer.h>

#include <cctype>

#include <fmt/format.h>

namespace ocellus::nn {

Value Build::parameter(std::string_view name, const Shape& shape, ParamRole role, const Initialiser& initialiser) {
  for (const ParameterPtr& p : parameters_) {
    if (p->name() != name) continue;
    if (!(p->shape() == shape))
      throw ShapeError(fmt::format("{} was made as {} by an earlier call, this one needs {}", name, p->shape().to_string(),
                                   shape.to_string()));
    return ocellus::parameter(p);
  }
  parameters_.push_back(std::make_shared<Parameter>(std::string(name), shape, role, initialiser, layer_));
  return ocellus::parameter(parameters_.back());
}

Layer::Layer(std::string kind, std::string name)
    : info_(std::make_shared<LayerInfo>(LayerInfo{std::move(kind), std::move(name)})),
      parameters_(std::make_shared<std::vector<ParameterPtr>>()) {}

Layer::~Layer() = default;

Values Layer::outputs(const Values& inputs) const {
  const size_t made = parameters_->size();
  const std::string kind = snake_case(info_->kind);
  const auto located = [&](const OpError& e) { return e.layer().empty() ? info_->name : e.layer(); };
  try {
    for (const Value& v : inputs)
      if (!v) throw ShapeError("an input is empty");
    Build build(info_, *parameters_);
    Values outputs = call(build, inputs);
    assign_scope(outputs, std::make_shared<const Scope>(Scope{info_, inputs}));
    return outputs;
  } catch (const ShapeError& e) {
    parameters_->resize(made);
    throw ShapeError(e.layer().empty() ? kind : e.op(), located(e), e.message());
  } catch (const TypeError& e) {
    parameters_->resize(made);
    throw TypeError(e.layer().empty() ? kind : e.op(), located(e), e.message());
  }
}

Value Layer::operator()(const Values& inputs) const {
  Values all = outputs(inputs);
  if (all.size() != 1)
    throw UsageError(fmt::format("{} {} has {} outputs: call outputs()", kind(), name(), all.size()));
  return all.front();
}

const Value& single(const Values& inputs) {
  if (inputs.size() != 1) throw ShapeError(fmt::format("takes one input, got {}", inputs.size()));
  return inputs.front();
}

std::string snake_case(std::string_view kind) {
  std::string text;
  for (size_t i = 0; i < kind.size(); ++i) {
    const auto c = static_cast<unsigned char>(kind[i]);
    const bool after_word = i > 0 && std::islower(static_cast<unsigned char>(kind[i - 1])) != 0;
    const bool after_rank = i > 1 && kind[i - 1] == 'D' && std::isdigit(static_cast<unsigned char>(kind[i - 2])) != 0;
    if (std::isupper(c) != 0 && (after_word || after_rank)) text += '_';
    text += static_cast<char>(std::tolower(c));
  }
  return text;
}

Value input(const Shape& sample, std::string name) {
  std::vector<int64_t> dims = {any_dim};
  dims.insert(dims.end(), sample.begin(), sample.end());
  return ocellus::input(std::move(name), {DType::f32, Shape(std::span<const int64_t>(dims))});
}

}  // namespace ocellus::nn
