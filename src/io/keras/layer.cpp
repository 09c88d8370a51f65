#include "io/keras/layer.h"

#include <fmt/format.h>

#include <ocellus/base/error.h>

#include "io/tensors.h"

namespace ocellus::io::keras {

const Tensor& Variables::at(size_t i, std::string_view what) const {
  if (i >= all_.size())
    spec_->fail(fmt::format("has no {}: the file holds {} arrays of it, number {} is wanted", what, all_.size(), i));
  return all_[i];
}

const Tensor& Variables::at(size_t i, std::string_view what, const std::vector<int64_t>& dims) const {
  const Tensor& t = at(i, what);
  const auto& shape = t.shape();
  if (!std::equal(shape.begin(), shape.end(), dims.begin(), dims.end()))
    spec_->fail(
        fmt::format("its {} is {}, its settings and input need [{}]", what, shape.to_string(), fmt::join(dims, ",")));
  return t;
}

const KerasLayer* find_layer(std::string_view class_name) {
  for (const Lister lister : keras_in_listers())
    for (const KerasLayer& layer : lister())
      if (layer.name == class_name) return &layer;
  return nullptr;
}

const Held& only(const LayerSpec& spec, const Helds& inputs) {
  if (inputs.size() != 1) spec.fail(fmt::format("takes one input, is called with {}", inputs.size()));
  return inputs.front();
}

void fill(nn::Layer& layer, const LayerSpec& spec, const std::vector<std::pair<std::string, Tensor>>& values) {
  for (const ParameterPtr& p : layer.parameters())
    for (const auto& [name, value] : values)
      if (p->name() == name && p->version() == 1) p->set_value(value);
  layer.trainable(spec.trainable);
}

Padding padding_of(const LayerSpec& spec) {
  const std::string padding = spec.text("padding", "valid");
  if (padding == "valid") return valid;
  if (padding == "same") return same;
  spec.unsupported("has the padding \"" + padding + "\"");
}

std::vector<size_t> kernel_order(size_t spatial_rank) {
  std::vector<size_t> order = {spatial_rank + 1, spatial_rank};
  for (size_t i = 0; i < spatial_rank; ++i) order.push_back(i);
  return order;
}

}  // namespace ocellus::io::keras
