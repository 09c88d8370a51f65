// From one of our graphs to an ONNX graph.
#pragma once

#include "io/onnx/support/writer.h"

#include <ocellus/model/model.h>

namespace ocellus::io::onnx_io {

/// Names tensors and nodes, and writes weights when they are first asked for.
class GraphWriter {
 public:
  GraphWriter(const Model& model, onnx::GraphProto& proto);

  /// Writes everything; throws one Unsupported that lists all operators that ONNX has no counterpart for.
  void write();

  std::string name_of(const Value& v);
  Names add(const Node& node, std::string_view kind, const Names& inputs, size_t outputs, const Attributes& attributes);
  void give(const Value& v, const std::string& name);
  std::string initialiser(const std::string& wanted, const Tensor& t);
  bool used(const Value& v) const { return uses_.contains(v); }
  std::string base_name(const Node& node) const;

 private:
  void inputs();
  void results();
  std::string unique(const std::string& wanted);
  std::string node_name(const Node& node, std::string_view kind);
  /// Gives a tensor that a node of the file makes a new name; false for one that no node makes.
  bool rename(const std::string& from, const std::string& to);
  void call_after_output(onnx::NodeProto& maker, const std::string& name);

  const Model& model_;
  Graph graph_;
  onnx::GraphProto& proto_;
  std::unordered_map<Value, std::string, ValueHash> names_;
  std::unordered_map<Value, int, ValueHash> uses_;
  Names outputs_;
  std::unordered_set<std::string> taken_, node_names_, parameters_;
  std::unordered_set<const LayerInfo*> with_parameters_;
};

}  // namespace ocellus::io::onnx_io
