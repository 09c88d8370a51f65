// Parameters and the other sources of a graph: inputs and constants.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <ocellus/base/rng.h>
#include <ocellus/graph/op.h>
#include <ocellus/tensor/layout.h>

namespace ocellus {

/// What a parameter is for: decides weight decay, and whether an optimiser touches it at all.
enum class ParamRole : uint8_t { kernel, bias, norm_scale, norm_offset, statistic };
OCELLUS_API std::span<const std::string_view> enum_names(ParamRole);

/// Fills a fresh parameter (plain layout) from a random sequence.
using Initialiser = std::function<void(Tensor&, Rng&)>;

/// A trained quantity: its description and its one fp32 master, stored in the layout that the training program wants.
/// Layers, models and programs that share a parameter hold the same object.
class OCELLUS_API Parameter {
 public:
  Parameter(std::string name, Shape shape, ParamRole role, Initialiser init, std::shared_ptr<LayerInfo> layer);

  const std::string& name() const { return name_; }  ///< within its layer: "kernel"
  std::string path() const;                          ///< "block1/conv2/kernel"
  const Shape& shape() const { return shape_; }
  ParamRole role() const { return role_; }
  bool learns() const { return role_ != ParamRole::statistic && (!layer_ || layer_->trainable); }
  const std::shared_ptr<LayerInfo>& layer() const { return layer_; }

  void initialise(uint64_t seed);        ///< from (seed, path)
  Tensor value() const;                  ///< a plain copy
  void set_value(const Tensor& plain);   ///< throws ShapeError naming the parameter
  /// The same, but from now on the tensor's memory is the parameter's too, where alignment allows it and nothing has claimed
  /// the parameter: for files that are mapped.
  void share_value(const Tensor& plain);

  /// Physical storage: what kernels and optimisers see. Padding elements are zero.
  const LayoutPtr& layout() const { return layout_; }
  void* data() const { return data_.get(); }
  size_t storage_bytes() const;
  std::span<float> flat() const { return {static_cast<float*>(data_.get()), storage_bytes() / sizeof(float)}; }
  /// The first program that uses the parameter claims it with the layout it wants, and the storage is converted; from then on
  /// the storage stays where it is, and programs that want another layout keep copies.
  void claim(LayoutPtr layout);
  bool claimed() const { return claimed_; }
  /// Counts changes, so that packed copies know when they are stale.
  uint64_t version() const { return version_; }
  void touch() { ++version_; }

 private:
  void expect(const Tensor& plain) const;

  std::string name_;
  Shape shape_;
  ParamRole role_;
  Initialiser init_;
  std::shared_ptr<LayerInfo> layer_;
  LayoutPtr layout_;
  std::shared_ptr<void> data_;
  uint64_t version_ = 1;
  bool claimed_ = false;
};
using ParameterPtr = std::shared_ptr<Parameter>;

/// A value that is fed: `input(name, type)`.
class OCELLUS_API InputOp final : public Op {
 public:
  std::string label;
  TensorType type;
  std::string_view name() const override { return "input"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override { return {type}; }
};

/// A parameter as a value. Two nodes with the same parameter are the same value.
class OCELLUS_API ParameterOp final : public Op {
 public:
  ParameterPtr parameter;
  std::string_view name() const override { return "parameter"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override { return {{DType::f32, parameter->shape()}}; }
};

/// A fixed tensor.
class OCELLUS_API ConstantOp final : public Op {
 public:
  Tensor tensor;
  std::string_view name() const override { return "constant"; }
  void attrs(AttrVisitor& v) const override;
  Types infer(std::span<const TensorType>) const override { return {{tensor.dtype(), tensor.shape()}}; }
  void eval(EvalCtx&) const override;
};

/// Sum of one or more values of one type: where gradients meet.
class OCELLUS_API AddN final : public Op {
 public:
  std::string_view name() const override { return "add_n"; }
  Types infer(std::span<const TensorType>) const override;
  Values gradient(GradCtx&) const override;
  void eval(EvalCtx&) const override;
  Traits traits() const override { return {.elementwise = true, .inplace = true}; }
};

OCELLUS_API Value input(std::string name, TensorType type);
OCELLUS_API Value parameter(ParameterPtr p);
OCELLUS_API Value constant(Tensor tensor);
OCELLUS_API Value add_n(Values values);  ///< the value itself when there is one

}  // namespace ocellus
