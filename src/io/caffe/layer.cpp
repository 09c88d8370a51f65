#include "io/caffe/layer.h"

#include <fmt/format.h>

#include <ocellus/base/error.h>

#include "io/tensors.h"

namespace ocellus::io::caffe {

const Value& LayerCall::input() const {
  if (inputs.size() != 1) fail(fmt::format("takes one input, has {}", inputs.size()));
  return inputs.front();
}

Tensor LayerCall::array(size_t i, std::string_view what, const std::vector<int64_t>& dims) const {
  if (i >= arrays.size()) fail(fmt::format("has no {}: the .caffemodel holds {} arrays of it", what, arrays.size()));
  __int128 wanted = 1;
  for (const int64_t d : dims) wanted *= d;
  if (wanted != arrays[i].numel())
    fail(fmt::format("its {} is {}, its settings and input need [{}]", what, arrays[i].shape().to_string(),
                     fmt::join(dims, ",")));
  return arrays[i].reshape(shape_of(dims));
}

void LayerCall::fail(const std::string& what) const {
  throw FormatError(source, fmt::format("layer {} ({})", name, type), what);
}

void LayerCall::unsupported(const std::string& what) const {
  throw Unsupported(fmt::format("{}: {} \"{}\" {}", source, type, name, what));
}

int64_t LayerCall::axis(int64_t given, size_t rank) const {
  const int64_t axis = given < 0 ? given + static_cast<int64_t>(rank) : given;
  if (axis < 0 || axis >= static_cast<int64_t>(rank))
    fail(fmt::format("has the axis {} of {} dimensions", given, rank));
  return axis;
}

const CaffeLayer* find_layer(std::string_view type) {
  for (const Lister lister : caffe_in_listers())
    for (const CaffeLayer& layer : lister())
      if (layer.type == type || (!layer.old_type.empty() && layer.old_type == type)) return &layer;
  return nullptr;
}

nn::Extent extent_of(const LayerCall& call, const Message& m, const std::string& both, const std::string& stem,
                     int64_t otherwise) {
  const auto all = m.integers(both);
  nn::Extent extent(otherwise);
  if (!all.empty()) extent = nn::Extent(all.front(), all.back());
  extent.height = m.integer(stem + "_h", extent.height);
  extent.width = m.integer(stem + "_w", extent.width);
  if (all.size() > 2) call.unsupported("has more than two dimensions");
  if (extent.height < 0 || extent.width < 0) call.fail("has a negative " + both);
  return extent;
}

void fill(const nn::Layer& layer, const std::vector<std::pair<std::string, Tensor>>& values) {
  for (const ParameterPtr& p : layer.parameters())
    for (const auto& [name, value] : values)
      if (p->name() == name) p->set_value(value);
}

}  // namespace ocellus::io::caffe
