// Value and Node: the static graph.
//
// A graph is made of immutable nodes that hold their inputs, so it exists as soon as its outputs do: calling layers on
// values builds it, and rewriting it shares whatever stays the same. Nodes do not know who uses them; `Graph` finds out.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ocellus/base/export.h>
#include <ocellus/tensor/dtype.h>
#include <ocellus/tensor/shape.h>

namespace ocellus {

class Op;
class Node;
using OpPtr = std::shared_ptr<const Op>;

/// Element type and logical shape of a value.
struct TensorType {
  DType dtype = DType::f32;
  Shape shape;

  friend bool operator==(const TensorType&, const TensorType&) = default;
};
using Types = std::vector<TensorType>;
OCELLUS_API std::string to_string(const TensorType& type);  ///< "f32[N,3,32,32]"
/// Bytes of a plain value of this type.
OCELLUS_API size_t bytes_of(const TensorType& type);

/// One output of a node: the handle with which graphs are built. A default-made Value is empty.
class OCELLUS_API Value {
 public:
  Value() = default;
  Value(std::shared_ptr<const Node> node, size_t index) : node_(std::move(node)), index_(index) {}

  explicit operator bool() const { return node_ != nullptr; }
  const Node& node() const { return *node_; }
  const std::shared_ptr<const Node>& node_ptr() const { return node_; }
  size_t index() const { return index_; }
  const TensorType& type() const;
  const Shape& shape() const { return type().shape; }
  DType dtype() const { return type().dtype; }

  friend bool operator==(const Value&, const Value&) = default;

 private:
  std::shared_ptr<const Node> node_;
  size_t index_ = 0;
};
using Values = std::vector<Value>;

/// For hash maps keyed by Value.
struct ValueHash {
  size_t operator()(const Value& v) const {
    return std::hash<const void*>()(v ? &v.node() : nullptr) * 31 + v.index();
  }
};

/// What a layer is called and whether it learns; shared by all of the layer's calls and parameters.
struct LayerInfo {
  std::string kind;  ///< "Conv2D"
  std::string name;  ///< "block1/conv2"; empty until a Model numbers its unnamed layers
  bool trainable = true;
};

/// One call of a layer: which nodes belong to a row of the summary, and the name that errors show.
struct Scope {
  std::shared_ptr<LayerInfo> layer;
  Values inputs;  ///< what the layer was called with
};
using ScopePtr = std::shared_ptr<const Scope>;

/// One operator applied to inputs. Made by `emit`, never changed afterwards (but for the scope, which its layer sets once).
class OCELLUS_API Node {
 public:
  Node(OpPtr op, Values inputs, Types types, ScopePtr scope);

  const Op& op() const { return *op_; }
  const OpPtr& op_ptr() const { return op_; }
  const Values& inputs() const { return inputs_; }
  const Types& types() const { return types_; }
  const ScopePtr& scope() const { return scope_; }
  const std::string& layer() const;  ///< the layer's name, or ""
  Types input_types() const;

  /// The op as T, or null.
  template <class T>
  const T* as() const {
    return dynamic_cast<const T*>(op_.get());
  }

 private:
  friend OCELLUS_API void assign_scope(std::span<const Value>, const ScopePtr&);
  OpPtr op_;
  Values inputs_;
  Types types_;
  mutable ScopePtr scope_;
};

inline const TensorType& Value::type() const { return node_->types()[index_]; }

/// Applies an operator: checks it (ShapeError and TypeError name the operator and, with a scope, the layer) and gives its outputs.
OCELLUS_API Values emit(OpPtr op, Values inputs, ScopePtr scope = nullptr);

/// `emit` for an operator given by value; gives its first output.
template <class T>
Value apply(T op, Values inputs, ScopePtr scope = nullptr) {
  return emit(std::make_shared<const T>(std::move(op)), std::move(inputs), std::move(scope)).front();
}

/// Marks the nodes between `outputs` and the scope's inputs that belong to no layer yet as part of this call.
OCELLUS_API void assign_scope(std::span<const Value> outputs, const ScopePtr& scope);

}  // namespace ocellus
