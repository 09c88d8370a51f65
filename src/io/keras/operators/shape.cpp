// Operators that move elements.
#include <algorithm>

#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/resize.h>
#include <ocellus/ops/shape.h>

#include "io/keras/operator_table.h"

namespace ocellus::io::keras {
namespace {

/// A flattening stays in Keras's order and says so; other shapes are made of our own order.
Written reshape(Sheet& sheet, const Operator& op) {
  const Written& in = op.inputs[0];
  const Shape &from = op.shape(), &to = op.result();
  if (from[0] != to[0]) cannot("from samples to rows or back");
  if (to.rank() == 2) {
    if (in.order == Order::flattened || from.rank() == 2) return in;
    const size_t y = sheet.add("Flatten", {in.layer}, plain_shape(to));
    if (in.order != Order::moved || from[1] == 1 || to[1] == from[1]) return {.layer = y};
    return {.layer = y, .order = Order::flattened, .before = {from.begin() + 1, from.end()}};
  }
  const std::vector<int64_t> target(to.begin() + 1, to.end());
  return {.layer = sheet.add("Reshape", {sheet.plain(in)}, plain_shape(to), {{"target_shape", target}})};
}

/// Between channels first and last nothing moves in Keras.
Written transpose(Sheet& sheet, const Operator& op) {
  const auto& perm = op.node.as<Transpose>()->perm;
  const Written& in = op.inputs[0];
  std::vector<int64_t> to_last = {0}, to_first = {0, static_cast<int64_t>(perm.size()) - 1};
  for (int64_t d = 2; d < static_cast<int64_t>(perm.size()); ++d) to_last.push_back(d);
  to_last.push_back(1);
  for (int64_t d = 1; d + 1 < static_cast<int64_t>(perm.size()); ++d) to_first.push_back(d);
  if (in.order == Order::moved && perm == to_last) return {.layer = in.layer};
  if (in.order == Order::plain && perm == to_first && perm.size() > 2)
    return {.layer = in.layer, .order = Order::moved};
  if (perm.empty() || perm[0] != 0) cannot("of samples");
  const std::vector<int64_t> dims(perm.begin() + 1, perm.end());
  return {.layer = sheet.add("Permute", {sheet.plain(in)}, plain_shape(op.result()), {{"dims", dims}})};
}

Written concat(Sheet& sheet, const Operator& op) {
  const int64_t axis = op.node.as<Concat>()->axis, rank = static_cast<int64_t>(op.result().rank());
  if (op.inputs.size() != op.node.inputs().size()) cannot("with an array");
  if (axis == 0) cannot("of samples");
  const bool channels =
      rank > 2 && std::ranges::any_of(op.inputs, [](const Written& x) { return x.order == Order::moved; });
  std::vector<size_t> inputs;
  for (const Written& x : op.inputs) inputs.push_back(channels ? sheet.moved(x) : sheet.plain(x));
  const int64_t keras_axis = !channels ? axis : axis == 1 ? rank - 1 : axis - 1;
  const size_t y = sheet.add("Concatenate", inputs, channels ? moved_shape(op.result()) : plain_shape(op.result()),
                             {{"axis", keras_axis}});
  return {.layer = y, .order = channels ? Order::moved : Order::plain};
}

Written dropout(Sheet& sheet, const Operator& op) {
  const Written& in = op.inputs[0];
  return {.layer = sheet.add("Dropout", {in.layer}, sheet.shape(in.layer), {{"rate", op.node.as<Dropout>()->rate}}),
          .order = in.order,
          .before = in.before};
}

/// Keras pads positions alone: channels become positions for as long as that takes.
Written pad(Sheet& sheet, const Operator& op) {
  const auto& pad = *op.node.as<Pad>();
  const size_t rank = op.shape().rank();
  if (pad.mode != PadMode::constant || pad.value != 0) cannot("with something else than zeros");
  if (rank < 3 || pad.before[0] != 0 || pad.after[0] != 0) cannot("of samples, or of features");
  size_t x = sheet.padded(sheet.moved(op.inputs[0]), {pad.before.begin() + 2, pad.before.end()},
                          {pad.after.begin() + 2, pad.after.end()});
  if (pad.before[1] != 0 || pad.after[1] != 0) {
    if (rank != 4) cannot("of the channels of something else than images");
    const auto s = sheet.shape(x);
    x = sheet.add("Permute", {x}, {s[0], s[3], s[1], s[2]}, {{"dims", {3, 1, 2}}});
    x = sheet.padded(x, {pad.before[1], 0}, {pad.after[1], 0});
    x = sheet.add("Permute", {x}, moved_shape(op.result()), {{"dims", {2, 3, 1}}});
  }
  return {.layer = x, .order = Order::moved};
}

Written slice(Sheet& sheet, const Operator& op) {
  const auto& slice = *op.node.as<Slice>();
  const Shape& from = op.shape();
  const size_t rank = from.rank();
  Settings crops = Settings::array();
  for (size_t i = 0; i < rank; ++i) {
    const int64_t end = slice.end[i] == any_dim ? from[i] : slice.end[i];
    if (slice.step[i] != 1 || (i < 2 && (slice.begin[i] != 0 || end != from[i])))
      cannot("of something else than positions");
    if (i >= 2) crops.push_back({slice.begin[i], from[i] - end});
  }
  if (rank < 3 || rank > 5) cannot("of features");
  return {.layer = sheet.add(with_rank("Cropping", rank - 2), {sheet.moved(op.inputs[0])}, moved_shape(op.result()),
                             {{"cropping", rank == 3 ? crops[0] : crops}}),
          .order = Order::moved};
}

Written resize(Sheet& sheet, const Operator& op) {
  const auto& resize = *op.node.as<Resize>();
  const auto from = spatial(op.shape()), to = spatial(op.result());
  if (resize.coordinates != ResizeCoordinates::half_pixel) cannot("by another rule than half pixels");
  std::vector<int64_t> factors;
  for (size_t i = 0; i < from.size(); ++i) {
    if (to[i] % from[i] != 0) cannot("by a factor that is not whole");
    factors.push_back(to[i] / from[i]);
  }
  const bool linear = resize.mode == ResizeMode::linear;
  if (linear && from.size() != 2) cannot("bilinear, of something else than images");
  Settings config = {{"size", from.size() == 1 ? Settings(factors[0]) : Settings(factors)}};
  if (from.size() == 2) config["interpolation"] = linear ? "bilinear" : "nearest";
  return {.layer = sheet.add(with_rank("UpSampling", from.size()), {sheet.moved(op.inputs[0])},
                             moved_shape(op.result()), config),
          .order = Order::moved};
}

}  // namespace

namespace writing {

std::span<const KerasOperator> writes_in_shape() {
  static constexpr KerasOperator operators[] = {
      {"reshape", reshape}, {"transpose", transpose}, {"concat", concat}, {"dropout", dropout},
      {"pad", pad},         {"slice", slice},         {"resize", resize}};
  return operators;
}

}  // namespace writing
}  // namespace ocellus::io::keras
