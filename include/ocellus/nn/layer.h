// Layer: something with parameters that is called on values.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ocellus/graph/parameter.h>

namespace ocellus::nn {

/// What a layer sees while it is called: makes its parameters at the first call, and gives the same ones ever after.
class OCELLUS_API Build {
 public:
  /// The layer's parameter of that name as a value. Throws ShapeError naming the layer when an earlier call made it with
  /// another shape.
  Value parameter(std::string_view name, const Shape& shape, ParamRole role, const Initialiser& initialiser);

 private:
  friend class Layer;
  Build(std::shared_ptr<LayerInfo> layer, std::vector<ParameterPtr>& parameters)
      : layer_(std::move(layer)), parameters_(parameters) {}

  std::shared_ptr<LayerInfo> layer_;
  std::vector<ParameterPtr>& parameters_;
};

/// A handle of shared state: copies of a layer, and all its calls, share its parameters, its name and whether it learns.
class OCELLUS_API Layer {
 public:
  virtual ~Layer();

  /// Calls the layer; throws ShapeError as `[conv2d block1/conv2] ...` where the input does not fit.
  Value operator()(const Value& x) const { return operator()(Values{x}); }
  /// Calls it on several values; throws UsageError when the layer has more than one output.
  Value operator()(const Values& inputs) const;
  /// All outputs of a call.
  Values outputs(const Values& inputs) const;

  const std::string& kind() const { return info_->kind; }  ///< "Conv2D"
  const std::string& name() const { return info_->name; }  ///< empty until given, or until a Model numbers its layers
  /// A layer that does not learn keeps its parameters, and normalises by its running statistics.
  bool trainable() const { return info_->trainable; }
  virtual void trainable(bool learns) { info_->trainable = learns; }
  /// Those that the layer has made; none before its first call.
  virtual std::vector<ParameterPtr> parameters() const { return *parameters_; }

 protected:
  Layer(std::string kind, std::string name);
  Layer(const Layer&) = default;
  Layer(Layer&&) = default;
  Layer& operator=(const Layer&) = default;
  Layer& operator=(Layer&&) = default;

  /// Emits the layer's operators on `inputs`. A ShapeError or TypeError from here gets the layer's kind and name.
  virtual Values call(Build& build, const Values& inputs) const = 0;

 private:
  std::shared_ptr<LayerInfo> info_;
  std::shared_ptr<std::vector<ParameterPtr>> parameters_;
};

/// The only input of a layer that takes one; throws ShapeError for more or none.
OCELLUS_API const Value& single(const Values& inputs);

/// "GlobalAveragePool2D" as "global_average_pool2d" and "Conv2DTranspose" as "conv2d_transpose": how layers without a name
/// are called.
OCELLUS_API std::string snake_case(std::string_view kind);

/// A network's input, f32 and one sample's shape: `input({1, 28, 28})` is f32[N,1,28,28].
OCELLUS_API Value input(const Shape& sample, std::string name = "");

}  // namespace ocellus::nn
