// Layers that move elements.
#include <algorithm>

#include <fmt/format.h>

#include <ocellus/nn/layers/concat.h>
#include <ocellus/ops/shape.h>

#include "io/caffe/layer.h"
#include "io/emit.h"

namespace ocellus::io::caffe {
namespace {

Values node(const LayerCall& call, NodeLayer::Emit emit) {
  return NodeLayer(call.type, call.name, std::move(emit)).outputs(call.inputs);
}

Values concat(const LayerCall& call) {
  if (call.inputs.size() == 1) return call.inputs;
  if (call.inputs.empty()) call.fail("has no inputs");
  const Message& m = call.parameter("concat_param");
  const int64_t axis = call.axis(m.integer("axis", m.integer("concat_dim", 1)), call.inputs.front().shape().rank());
  if (axis == 0) call.unsupported("joins samples");
  return {nn::Concat({.axis = axis, .name = call.name})(call.inputs)};
}

Values flatten(const LayerCall& call) {
  const Message& m = call.parameter("flatten_param");
  const Shape& shape = call.input().shape();
  if (m.integer("end_axis", -1) != -1) call.unsupported("leaves the last dimensions apart");
  const auto from = static_cast<size_t>(call.axis(m.integer("axis", 1), shape.rank()));
  if (from == 0) call.unsupported("joins samples");
  std::vector<int64_t> dims(from, 0);
  dims.push_back(-1);
  return node(call, [dims](nn::Build&, const Values& in) { return Values{ops::reshape(in[0], dims)}; });
}

/// The network's own number of samples, where it is written down as a size, stands for any number.
Values reshape(const LayerCall& call) {
  const Message& m = call.parameter("reshape_param");
  std::vector<int64_t> dims = m.message("shape").integers("dim");
  if (m.integer("axis", 0) != 0 || m.integer("num_axes", -1) != -1) call.unsupported("reshapes some of the dimensions");
  if (dims.empty() || dims.size() > Shape::max_rank) call.fail("reshapes to no usual number of dimensions");
  for (const int64_t d : dims)
    if (d < -1) call.fail(fmt::format("reshapes to the size {}", d));
  if (dims[0] == call.batch) dims[0] = 0;
  if (dims[0] > 0) call.unsupported("reshapes to a number of samples");
  return node(call, [dims](nn::Build&, const Values& in) { return Values{ops::reshape(in[0], dims)}; });
}

Values permute(const LayerCall& call) {
  std::vector<int64_t> perm = call.parameter("permute_param").integers("order");
  const size_t rank = call.input().shape().rank();
  for (int64_t axis = 0; axis < static_cast<int64_t>(rank); ++axis)  // what is not named keeps its order
    if (std::find(perm.begin(), perm.end(), axis) == perm.end()) perm.push_back(axis);
  if (perm.size() != rank) call.fail("names a dimension that is not there");
  return node(call, [perm](nn::Build&, const Values& in) { return Values{ops::transpose(in[0], perm)}; });
}

Values slice(const LayerCall& call) {
  const Message& m = call.parameter("slice_param");
  const Shape& shape = call.input().shape();
  const int64_t axis = call.axis(m.integer("axis", m.integer("slice_dim", 1)), shape.rank());
  if (axis == 0) call.unsupported("takes samples apart");
  const auto parts = static_cast<int64_t>(call.settings->texts("top").size());
  std::vector<int64_t> points = m.integers("slice_point");
  const int64_t size = shape[static_cast<size_t>(axis)];
  if (points.empty() && parts > 0 && size % parts == 0)
    for (int64_t i = 1; i < parts; ++i) points.push_back(i * size / parts);
  points.insert(points.begin(), 0);
  points.push_back(size);
  if (static_cast<int64_t>(points.size()) != parts + 1)
    call.fail(fmt::format("can't take {} elements apart into {}", size, parts));
  for (size_t i = 1; i < points.size(); ++i)
    if (points[i] <= points[i - 1]) call.fail("has an empty part");
  return node(call, [=](nn::Build&, const Values& in) {
    Values all;
    for (size_t i = 1; i < points.size(); ++i)
      all.push_back(ops::slice(in[0], {.axis = axis, .begin = points[i - 1], .end = points[i]}));
    return all;
  });
}

/// The part of the first input that is as large as the second.
Values crop(const LayerCall& call) {
  const Message& m = call.parameter("crop_param");
  if (call.inputs.size() != 2) call.fail("takes two inputs");
  const Shape &from = call.inputs[0].shape(), &like = call.inputs[1].shape();
  const auto first = static_cast<size_t>(call.axis(m.integer("axis", 2), from.rank()));
  const auto offsets = m.integers("offset");
  if (first == 0 || like.rank() != from.rank())
    call.unsupported("crops samples, or like something of other dimensions");
  std::vector<std::pair<int64_t, int64_t>> parts;
  for (size_t i = first; i < from.rank(); ++i) {
    const int64_t offset = offsets.empty() ? 0 : offsets[std::min(i - first, offsets.size() - 1)];
    if (offset < 0 || offset + like[i] > from[i])
      call.fail(fmt::format("takes {} elements from {} on of {}", like[i], offset, from[i]));
    parts.emplace_back(offset, offset + like[i]);
  }
  const NodeLayer layer("Crop", call.name, [=](nn::Build&, const Values& in) {
    Value y = in[0];
    for (size_t i = 0; i < parts.size(); ++i)
      y = ops::slice(y, {.axis = static_cast<int64_t>(first + i), .begin = parts[i].first, .end = parts[i].second});
    return Values{y};
  });
  return {layer(call.inputs[0])};
}

/// ShuffleNet's: groups of channels are read across.
Values shuffle(const LayerCall& call) {
  const int64_t groups = call.parameter("shuffle_channel_param").integer("group", 1);
  const Shape& shape = call.input().shape();
  if (shape.rank() != 4 || groups < 1 || shape[1] % groups != 0) call.fail("can't shuffle " + shape.to_string());
  return node(call, [=](nn::Build&, const Values& in) {
    const Value apart =
        ops::reshape(in[0], {-1, groups, in[0].shape()[1] / groups, in[0].shape()[2], in[0].shape()[3]});
    return Values{ops::reshape(ops::transpose(apart, {0, 2, 1, 3, 4}),
                               {-1, in[0].shape()[1], in[0].shape()[2], in[0].shape()[3]})};
  });
}

Values split(const LayerCall& call) { return Values(call.settings->texts("top").size(), call.input()); }

}  // namespace

std::span<const CaffeLayer> caffe_in_shape() {
  static constexpr CaffeLayer layers[] = {{"Concat", concat, "CONCAT"}, {"Flatten", flatten, "FLATTEN"},
                                          {"Reshape", reshape},         {"Permute", permute},
                                          {"Slice", slice, "SLICE"},    {"Crop", crop},
                                          {"ShuffleChannel", shuffle},  {"Split", split, "SPLIT"}};
  return layers;
}

}  // namespace ocellus::io::caffe
