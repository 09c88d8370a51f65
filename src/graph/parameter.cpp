#include <ocellus/graph/parameter.h>

#include <array>
#include <cstring>

namespace ocellus {

std::span<const std::string_view> enum_names(ParamRole) {
  static constexpr std::array<std::string_view, 5> names = {"kernel", "bias", "norm_scale", "norm_offset", "statistic"};
  return names;
}

Parameter::Parameter(std::string name, Shape shape, ParamRole role, Initialiser init, std::shared_ptr<LayerInfo> layer)
    : name_(std::move(name)),
      shape_(shape),
      role_(role),
      init_(std::move(init)),
      layer_(std::move(layer)),
      data_(allocate(static_cast<size_t>(shape.numel()) * sizeof(float))) {}

std::string Parameter::path() const { return layer_ && !layer_->name.empty() ? layer_->name + "/" + name_ : name_; }

void Parameter::initialise(uint64_t seed) {
  if (!init_) return;
  Tensor plain(DType::f32, shape_);
  Rng rng = Rng(seed).fork(path());
  init_(plain, rng);
  set_value(plain);
}

size_t Parameter::storage_bytes() const {
  return layout_ ? layout_->bytes() : static_cast<size_t>(shape_.numel()) * sizeof(float);
}

Tensor Parameter::value() const {
  Tensor plain(DType::f32, shape_);
  if (layout_)
    layout_->unpack(data_.get(), plain);
  else
    std::memcpy(plain.data(), data_.get(), plain.bytes());
  return plain;
}

void Parameter::expect(const Tensor& plain) const {
  if (!(plain.shape() == shape_) || plain.dtype() != DType::f32)
    throw ShapeError("parameter " + path() + " is f32" + shape_.to_string() + ", got " +
                     std::string(to_string(plain.dtype())) + plain.shape().to_string());
}

void Parameter::set_value(const Tensor& plain) {
  expect(plain);
  if (layout_)
    layout_->pack(plain, data_.get());
  else
    std::memcpy(data_.get(), plain.data(), plain.bytes());
  touch();
}

void Parameter::share_value(const Tensor& plain) {
  expect(plain);
  const auto shared = std::make_shared<Tensor>(plain);
  if (claimed_ || layout_ || reinterpret_cast<uintptr_t>(shared->data()) % 64 != 0) return set_value(plain);
  data_ = std::shared_ptr<void>(shared, shared->data());
  touch();
}

void Parameter::claim(LayoutPtr layout) {
  claimed_ = true;
  if (same_layout(layout, layout_)) return;
  const Tensor plain = value();
  layout_ = std::move(layout);
  data_ = allocate(storage_bytes());
  set_value(plain);
}

void InputOp::attrs(AttrVisitor& v) const {
  v("label", label);
  v("dtype", type.dtype);
  std::vector<int64_t> dims(type.shape.begin(), type.shape.end());
  v("shape", dims);
  if (v.loading()) const_cast<InputOp*>(this)->type.shape = Shape(std::span<const int64_t>(dims));
}

void ParameterOp::attrs(AttrVisitor& v) const { v.opaque("parameter", parameter.get()); }

void ConstantOp::attrs(AttrVisitor& v) const { v("tensor", tensor); }

void ConstantOp::eval(EvalCtx& ctx) const {
  ctx.out().copy_from(tensor.to(ctx.out().dtype()));
}

Types AddN::infer(std::span<const TensorType> inputs) const {
  if (inputs.empty()) throw ShapeError("needs at least one input");
  for (const TensorType& t : inputs)
    if (!(t == inputs[0])) throw ShapeError("inputs differ: " + to_string(inputs[0]) + " and " + to_string(t));
  return {inputs[0]};
}

Values AddN::gradient(GradCtx& ctx) const { return Values(ctx.inputs(), ctx.dout()); }

void AddN::eval(EvalCtx& ctx) const {
  with_real(ctx.out(), [&]<class T>(T) {
    const auto y = ctx.out().as<T>();
    for (size_t i = 0; i < y.size(); ++i) {
      T sum = 0;
      for (const Tensor& x : ctx.inputs) sum += x.as<T>()[i];
      y[i] = sum;
    }
  });
}

Value input(std::string name, TensorType type) {
  InputOp op;
  op.label = std::move(name);
  op.type = type;
  return apply(std::move(op), {});
}

Value parameter(ParameterPtr p) {
  ParameterOp op;
  op.parameter = std::move(p);
  return apply(std::move(op), {});
}

Value constant(Tensor tensor) {
  ConstantOp op;
  op.tensor = std::move(tensor);
  return apply(std::move(op), {});
}

Value add_n(Values values) {
  if (values.size() == 1) return values[0];
  return apply(AddN(), std::move(values));
}

}  // namespace ocellus
