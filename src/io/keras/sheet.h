// A Keras network that is being written, layer by layer, and what the files of operators/ share.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <ocellus/model/model.h>
#include <ocellus/ops/activation.h>
#include <ocellus/ops/window.h>

#include "io/keras/held.h"

namespace ocellus::io::keras {

using Settings = nlohmann::ordered_json;

/// A layer of Keras with its arrays in Keras's order and under Keras's names.
struct SheetLayer {
  std::string class_name, name;
  Settings config;
  std::vector<size_t> inputs;  ///< layers before it
  std::vector<int64_t> shape;  ///< of its output as Keras has it, any_dim for the batch
  std::vector<std::pair<std::string, Tensor>> arrays;
  bool trainable = true;
};

/// What a value of ours is in Keras: a layer's output, and the order of its dimensions.
struct Written {
  size_t layer = 0;
  Order order = Order::plain;
  std::vector<int64_t> before = {};  ///< of a flattened value: our shape before, without the batch
};

class Sheet {
 public:
  /// What an operator's value is called and of which layer it is a part.
  struct Part {
    std::string name;
    bool trainable = true;
  };

  std::vector<SheetLayer> layers;

  /// Adds a layer; its name is made one that nobody has, without slashes, which Keras doesn't take.
  size_t add(SheetLayer layer);
  size_t add(std::string class_name, std::vector<size_t> inputs, std::vector<int64_t> shape,
             Settings config = Settings::object(), std::vector<std::pair<std::string, Tensor>> arrays = {});
  /// The name for the layers that are added next.
  void begin(Part part) { part_ = std::move(part); }
  const std::string& part() const { return part_.name; }

  const std::vector<int64_t>& shape(size_t layer) const { return layers[layer].shape; }
  /// The value in Keras's order as we have it, or with the channels at the end; layers are added where that takes any.
  size_t plain(const Written& x);
  size_t moved(const Written& x);
  /// Zeros around positions, where there are any.
  size_t padded(size_t x, const std::vector<int64_t>& before, const std::vector<int64_t>& after);
  /// Applies an activation that is an attribute of another operator.
  size_t activated(size_t x, const Activation& a);

 private:
  Part part_;
  std::map<std::string, int> taken_;
};

/// A node that is to be written: its inputs that are values of the network, and its arrays.
struct Operator {
  const Node& node;
  std::vector<Written> inputs;               ///< of values that depend on the network's input
  std::vector<std::optional<Tensor>> fixed;  ///< one for each of the node's inputs: its array, if it is one

  const Shape& shape(size_t i = 0) const { return node.inputs()[i].shape(); }
  const Shape& result() const { return node.types()[0].shape; }
  const Tensor& array(size_t i) const;  ///< throws Unsupported for a value that is computed
};

/// Throws Unsupported with what Keras can't do.
[[noreturn]] void cannot(const std::string& what);

/// An operator that Keras has a layer for.
struct KerasOperator {
  std::string_view name;  ///< ours: "conv"
  Written (*write)(Sheet& sheet, const Operator& op) = nullptr;
};

using OperatorLister = std::span<const KerasOperator> (*)();

/// A shape with channels at the end, as Keras has it.
std::vector<int64_t> moved_shape(const Shape& shape);
std::vector<int64_t> plain_shape(const Shape& shape);
/// "same" or "valid", if one of them is what the placed window does; otherwise valid after zeros, which `x` gets.
std::string padding_for(Sheet& sheet, size_t& x, const PlacedWindow& window);
/// "Conv2D" of "Conv" and a rank.
std::string with_rank(std::string_view family, size_t rank, std::string_view suffix = "");

}  // namespace ocellus::io::keras
