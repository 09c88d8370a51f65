// One node of an ONNX graph as the function of its operator sees it: inputs, attributes, and a way to make parameters.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <ocellus/nn/initialiser.h>
#include <ocellus/nn/layer.h>

namespace onnx {
class NodeProto;
class AttributeProto;
}  // namespace onnx

namespace ocellus::io::onnx_io {

/// What stands for an open batch in shapes that are computed while a file is read. It survives f32, and no dimension comes
/// near it; a multiple of it is a multiple of the batch.
inline constexpr int64_t batch_mark = int64_t{3} << 29;

/// A named tensor of the graph: known now, or a value that a run will give.
struct Operand {
  Operand() = default;
  Operand(Value v) : value(std::move(v)) {}                   // NOLINT: `return {y};` is the point
  Operand(Tensor t) : constant(std::move(t)), known(true) {}  // NOLINT

  Value value;
  Tensor constant;  ///< integers of 16 bits and more as i64, real numbers as f32
  bool known = false;
  Tensor sample;          ///< of an input: what it is fed with, where that is known beforehand (tests); decides shapes
  bool of_batch = false;  ///< a constant that may hold `batch_mark`
  std::string name;       ///< in the file

  const Shape& shape() const { return known ? constant.shape() : value.shape(); }
  DType dtype() const { return known ? constant.dtype() : value.dtype(); }
};
using Operands = std::vector<Operand>;

/// "f32[N,3,8,8]"
std::string to_string(const Operand& operand);

/// How a weight of the file becomes a parameter.
struct ParameterSpec {
  std::string_view name;
  ParamRole role = ParamRole::kernel;
  Initialiser initialiser = nn::zeros();
  std::function<Tensor(const Tensor&)> arrange = {};  ///< from the file's arrangement to ours; none: they are the same
};

/// Parameters that several nodes share, by tensor, name and arrangement.
using SharedParameters = std::map<std::string, ParameterPtr>;

/// What a node is read in.
struct NodeSetting {
  int64_t opset = 0;
  bool free_batch = false;  ///< dimension 0 of the inputs is 1 in the file and N here
  bool folding = false;     ///< all inputs are known: values are computed at once and may be integers
  SharedParameters* shared = nullptr;
};

class OnnxNode {
 public:
  OnnxNode(const onnx::NodeProto& proto, Operands inputs, NodeSetting setting);

  const std::string& type() const;
  int64_t opset() const { return setting_.opset; }
  bool free_batch() const { return setting_.free_batch; }
  bool folding() const { return setting_.folding; }

  size_t inputs() const { return inputs_.size(); }
  size_t outputs() const;
  bool wants(size_t output) const;  ///< the output has a name
  bool given(size_t i) const { return i < inputs_.size() && (inputs_[i].known || inputs_[i].value); }
  bool known(size_t i) const { return given(i) && inputs_[i].known; }
  const Operand& operand(size_t i) const;  ///< throws FormatError's cause, a ShapeError, when it is missing
  const Shape& shape(size_t i) const { return operand(i).shape(); }
  int64_t rank(size_t i) const { return static_cast<int64_t>(shape(i).rank()); }
  DType dtype(size_t i) const { return operand(i).dtype(); }

  Value value(size_t i) const;  ///< integers of 16 bits and more as i32
  Value real(size_t i) const;   ///< throws Unsupported for integers that are not known yet
  Values reals() const;         ///< all inputs
  Value exact(size_t i) const;  ///< as `real`, and bytes and booleans in f32: for operators that only choose among them
  /// A result of arithmetic on `real` values in the type of input i.
  Value as_input(const Value& v, size_t i) const;
  const Tensor& constant(size_t i,
                         std::string_view what) const;  ///< or a sample; throws Unsupported when a run decides it
  std::vector<int64_t> list(size_t i, std::string_view what) const;
  double scalar(size_t i, std::string_view what) const;
  /// Input i as a parameter of this node's layer if it is a real constant of the file, otherwise its value.
  Value parameter(size_t i, const ParameterSpec& spec) const;

  bool has(std::string_view attribute) const { return find(attribute) != nullptr; }
  int64_t integer(std::string_view attribute, int64_t otherwise) const;
  bool flag(std::string_view attribute, bool otherwise) const { return integer(attribute, otherwise ? 1 : 0) != 0; }
  double number(std::string_view attribute, double otherwise) const;
  std::string text(std::string_view attribute, std::string_view otherwise) const;
  std::vector<int64_t> integers(std::string_view attribute, std::vector<int64_t> otherwise = {}) const;
  std::vector<double> numbers(std::string_view attribute) const;
  std::vector<std::string> texts(std::string_view attribute) const;
  Tensor tensor(std::string_view attribute) const;

  /// An axis that may count from the end; throws ShapeError outside the rank.
  int64_t axis(int64_t axis, int64_t rank) const;
  /// Throws Unsupported where a batch that is one in the file and open here would be taken apart.
  void keep_batch(const Value& x, int64_t axis) const;

  void set_kind(std::string kind) { kind_ = std::move(kind); }
  const std::string& kind() const {
    return kind_;
  }  ///< of the layer: the operator's name unless a function knows better
  void set_build(nn::Build* build) { build_ = build; }

 private:
  const onnx::AttributeProto* find(std::string_view attribute) const;
  const onnx::AttributeProto* find(std::string_view attribute, int type, std::string_view type_name) const;

  const onnx::NodeProto& proto_;
  Operands inputs_;
  NodeSetting setting_;
  std::string kind_;
  nn::Build* build_ = nullptr;
};

/// A registered operator.
struct OperatorEntry {
  std::string_view name;
  Operands (*read)(OnnxNode& node);
  bool knows_shapes = false;  ///< needs no values, only types: is computed at once where its inputs are not known
};

/// The entry of an operator of the default domain, or null.
const OperatorEntry* find_operator(std::string_view name);

}  // namespace ocellus::io::onnx_io
