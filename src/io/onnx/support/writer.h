// An ONNX graph as it is written: what the functions that export operators add nodes to.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include <ocellus/graph/graph.h>
#include <ocellus/ops/activation.h>

namespace onnx {
class GraphProto;
class NodeProto;
class ModelProto;
}  // namespace onnx

namespace ocellus::io::onnx_io {

/// The version of the operators that are written.
inline constexpr int64_t written_opset = 20;

struct Attribute {
  std::string_view name;
  std::variant<int64_t, double, std::string_view, std::vector<int64_t>> value;
};
using Attributes = std::vector<Attribute>;
using Names = std::vector<std::string>;

class GraphWriter;

/// One node of our graph on its way into the file.
class OpWriter {
 public:
  OpWriter(GraphWriter& graph, const std::shared_ptr<const Node>& node) : graph_(graph), node_(node) {}

  template <class T>
  const T& op() const {
    return *node_->as<T>();
  }
  size_t inputs() const { return node_->inputs().size(); }
  const Value& value(size_t i) const { return node_->inputs()[i]; }
  const Shape& shape(size_t i = 0) const { return value(i).shape(); }
  const TensorType& result(size_t i = 0) const { return node_->types()[i]; }
  int64_t rank(size_t i = 0) const { return static_cast<int64_t>(shape(i).rank()); }
  bool used(size_t output) const;  ///< by another node, or as a result

  std::string in(size_t i) const;  ///< the name of input i
  /// Adds a node and gives the name of its output.
  std::string add(std::string_view kind, const Names& inputs, const Attributes& attributes = {});
  /// The same for several outputs.
  Names add_many(std::string_view kind, const Names& inputs, size_t outputs, const Attributes& attributes = {});
  /// Says which name output i has.
  void give(const std::string& name, size_t i = 0);

  std::string integers(const std::vector<int64_t>& list);
  std::string number(double x);
  std::string tensor(const Tensor& t);
  /// What input i holds: a parameter or constant; throws Unsupported for what is computed.
  Tensor weight(size_t i) const;
  /// Numbers of the channels of an image of `rank` dimensions as [C,1,...], which is how ONNX broadcasts them.
  std::string by_channel(size_t i, int64_t rank);
  /// f(x), for the activation that an operator has along.
  std::string activated(const std::string& x, const Activation& activation);

 private:
  GraphWriter& graph_;
  const std::shared_ptr<const Node>& node_;
};

/// A registered operator of ours.
struct ExportEntry {
  std::string_view name;
  void (*write)(OpWriter& op);
};

}  // namespace ocellus::io::onnx_io
