// Op: one operator. Its shape rule, gradient and reference evaluation live together, in src/ops/<op>.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <ocellus/base/error.h>
#include <ocellus/graph/value.h>
#include <ocellus/tensor/tensor.h>

namespace ocellus {

/// Walks an operator's attributes. The same walk serves text, equality, saving and loading.
class OCELLUS_API AttrVisitor {
 public:
  virtual ~AttrVisitor();
  /// True while attributes are being set: then, and only then, a visitor writes through the references it is given.
  virtual bool loading() const { return false; }

  void operator()(std::string_view name, const bool& v) { boolean(name, v); }
  void operator()(std::string_view name, const int64_t& v) { integer(name, v); }
  void operator()(std::string_view name, const double& v) { real(name, v); }
  void operator()(std::string_view name, const std::string& v) { text(name, v); }
  void operator()(std::string_view name, const std::vector<int64_t>& v) { integers(name, v); }
  void operator()(std::string_view name, const Tensor& v) { tensor(name, v); }
  void operator()(std::string_view name, const DType& v) {
    named(name, v, [](DType d) { return to_string(d); }, [](std::string_view s) { return dtype_from_string(s); });
  }
  /// An enumeration E for which `enum_names(E{})` gives the names of its values, in order.
  template <class E>
    requires std::is_enum_v<E>
  void operator()(std::string_view name, const E& v) {
    named(
        name, v, [](E e) { return enum_names(E{})[static_cast<size_t>(e)]; },
        [name](std::string_view s) {
          const auto names = enum_names(E{});
          for (size_t i = 0; i < names.size(); ++i)
            if (names[i] == s) return static_cast<E>(i);
          throw TypeError("attribute " + std::string(name) + " can't be \"" + std::string(s) + "\"");
        });
  }
  /// Something that lives in this process only (a function, a parameter): compared by address, never saved.
  virtual void opaque(std::string_view name, const void* identity) = 0;

 protected:
  virtual void boolean(std::string_view name, const bool& v) = 0;
  virtual void integer(std::string_view name, const int64_t& v) = 0;
  virtual void real(std::string_view name, const double& v) = 0;
  virtual void text(std::string_view name, const std::string& v) = 0;
  virtual void integers(std::string_view name, const std::vector<int64_t>& v) = 0;
  virtual void tensor(std::string_view name, const Tensor& v) = 0;

 private:
  template <class T, class ToText, class FromText>
  void named(std::string_view name, const T& v, ToText to_text, FromText from_text) {
    std::string s(to_text(v));  // not const: a loading visitor writes to it
    text(name, s);
    if (loading()) const_cast<T&>(v) = from_text(s);
  }
};

/// What an operator's gradient sees: its inputs, outputs, and the gradients that arrive at its outputs.
class OCELLUS_API GradCtx {
 public:
  GradCtx(const std::shared_ptr<const Node>& node, std::span<const Value> output_gradients, std::vector<bool> needs)
      : node_(node), dout_(output_gradients), needs_(std::move(needs)) {}
  const Value& in(size_t i) const { return node_->inputs()[i]; }
  size_t inputs() const { return node_->inputs().size(); }
  Value out(size_t i = 0) const { return Value(node_, i); }
  /// Gradient of the loss with respect to output i; empty when none arrives.
  const Value& dout(size_t i = 0) const { return dout_[i]; }
  /// Whether the gradient with respect to input i is wanted.
  bool needs(size_t i) const { return needs_[i]; }

 private:
  const std::shared_ptr<const Node>& node_;
  std::span<const Value> dout_;
  std::vector<bool> needs_;
};

/// What a reference evaluation sees: plain tensors. Floating inputs are all f32, or all f64 in double precision.
struct EvalCtx {
  const Node& node;
  std::span<const Tensor> inputs;
  std::span<Tensor> outputs;  ///< allocated, of the inferred shapes; content undefined

  const Tensor& in(size_t i) const { return inputs[i]; }
  Tensor& out(size_t i = 0) const { return outputs[i]; }
};

/// Calls f with a float or a double, after the dtype of `t`: `with_real(t, [&]<class T>(T) { ... })`.
template <class F>
void with_real(const Tensor& t, F&& f) {
  if (t.dtype() == DType::f64)
    f(double{});
  else if (t.dtype() == DType::f32)
    f(float{});
  else
    throw TypeError("expected f32 or f64, got " + std::string(to_string(t.dtype())));
}

enum class Mode : uint8_t { inference, train };

/// What `Op::for_mode` sees when a graph is specialised.
class OCELLUS_API ModeCtx {
 public:
  virtual ~ModeCtx();
  virtual Mode mode() const = 0;
  /// The layer learns: the program trains and the layer is not frozen.
  virtual bool learns() const = 0;
  virtual const Value& in(size_t i) const = 0;
  /// The step counter, an i64 scalar that the program advances by one each run: the key of random operators.
  virtual Value step() = 0;
  /// After each run the parameter `target` takes the value `value`.
  virtual void update(const Value& target, const Value& value) = 0;
};

/// Facts about an operator that passes and planners use.
struct Traits {
  bool elementwise = false;  ///< out[i] depends on in[*][i] alone, all of one shape: works in any common layout
  bool view = false;         ///< output 0 is input 0 under another shape
  bool inplace = false;      ///< output 0 may overwrite input 0 (same shape and dtype)
  bool host = false;         ///< calls user code: not deduplicated
  bool full_precision = false;  ///< softmax, losses: stays f32 when the network computes in bf16
  uint32_t wide_inputs = 0;     ///< bit i: input i stays f32 even where the operator computes in bf16 (statistics, biases)
  uint32_t wide_outputs = 0;    ///< bit i: so does output i
};

/// An immutable operator; attributes are public members, set before it is shared.
class OCELLUS_API Op {
 public:
  virtual ~Op();
  virtual std::string_view name() const = 0;
  virtual void attrs(AttrVisitor&) const {}
  /// Output types for input types; throws ShapeError or TypeError with a message that names what was expected.
  /// Dimension 0 may be any_dim: it passes through.
  virtual Types infer(std::span<const TensorType> inputs) const = 0;
  /// Gradient with respect to each input (empty where it is not needed or there is none).
  virtual Values gradient(GradCtx&) const;
  /// Naive reference evaluation, float and double.
  virtual void eval(EvalCtx&) const;
  /// Operators that behave differently in training and inference give their replacement here.
  virtual std::optional<Values> for_mode(ModeCtx&) const { return std::nullopt; }
  /// The same in terms of simpler operators, for backends without a kernel.
  virtual std::optional<Values> decompose(std::span<const Value>) const { return std::nullopt; }
  virtual Traits traits() const { return {}; }
  /// Multiply-accumulate operations for the given types (0 for operators without products).
  virtual int64_t macs(std::span<const TensorType> /*inputs*/, std::span<const TensorType> /*outputs*/) const { return 0; }
};

/// A registered operator: `make` gives one with default attributes, for loading.
struct OpEntry {
  std::string_view name;
  std::shared_ptr<Op> (*make)();
};

template <class T>
OpEntry op_entry() {
  return {T().name(), [] { return std::static_pointer_cast<Op>(std::make_shared<T>()); }};
}

/// "{kernel=[3,3], stride=[1,1]}": equal texts mean equal operators.
OCELLUS_API std::string attributes(const Op& op);

}  // namespace ocellus
