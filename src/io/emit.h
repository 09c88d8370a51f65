// What readers of foreign files build networks with: one layer a node of the file, and the weights to fill in afterwards.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <ocellus/nn/layer.h>

namespace ocellus::io {

/// A node of a foreign file that has no layer of its own here: emits operators through a function, with parameters like any
/// other layer, so that it can be trained, frozen, summarised and saved.
class NodeLayer final : public nn::Layer {
 public:
  using Emit = std::function<Values(nn::Build& build, const Values& inputs)>;
  NodeLayer(std::string kind, std::string name, Emit emit)
      : Layer(std::move(kind), std::move(name)), emit_(std::move(emit)) {}

 protected:
  Values call(nn::Build& build, const Values& inputs) const override { return emit_(build, inputs); }

 private:
  Emit emit_;
};

}  // namespace ocellus::io
