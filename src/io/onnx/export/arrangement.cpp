// To ONNX: operators that move elements, find them, or reduce them.

#include <array>

#include <ocellus/base/error.h>
#include <ocellus/ops/indexing.h>
#include <ocellus/ops/rearrange.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/resize.h>
#include <ocellus/ops/shape.h>

#include "io/onnx/support/writer.h"

namespace ocellus::io::onnx_io {
namespace {

constexpr int64_t as_i32 = 6;  // the number of the element type: indices are i32 here and i64 there
constexpr int64_t last_index = INT64_MAX;

/// Our 0 and -1 mean what ONNX's do.
void reshape(OpWriter& w) { w.give(w.add("Reshape", {w.in(0), w.integers(w.op<Reshape>().dims)})); }

void transpose(OpWriter& w) { w.give(w.add("Transpose", {w.in(0)}, {{"perm", w.op<Transpose>().perm}})); }

void concat(OpWriter& w) {
  Names inputs;
  for (size_t i = 0; i < w.inputs(); ++i) inputs.push_back(w.in(i));
  w.give(w.add("Concat", inputs, {{"axis", w.op<Concat>().axis}}));
}

/// Axes of which everything is taken are left out.
void slice(OpWriter& w) {
  const auto& op = w.op<Slice>();
  std::vector<int64_t> begin, end, axes, step;
  for (size_t i = 0; i < op.begin.size(); ++i) {
    if (op.begin[i] == 0 && op.end[i] == any_dim && op.step[i] == 1) continue;
    begin.push_back(op.begin[i]);
    end.push_back(op.end[i] == any_dim ? last_index : op.end[i]);
    axes.push_back(static_cast<int64_t>(i));
    step.push_back(op.step[i]);
  }
  if (axes.empty()) return w.give(w.in(0));
  w.give(w.add("Slice", {w.in(0), w.integers(begin), w.integers(end), w.integers(axes), w.integers(step)}));
}

void reverse(OpWriter& w) {
  const auto& axes = w.op<Reverse>().axes;
  const std::vector<int64_t> last(axes.size(), -1), before(axes.size(), -last_index);
  w.give(w.add("Slice", {w.in(0), w.integers(last), w.integers(before), w.integers(axes), w.integers(last)}));
}

void pad(OpWriter& w) {
  static constexpr std::array<std::string_view, 3> modes = {"constant", "reflect", "edge"};
  const auto& op = w.op<Pad>();
  std::vector<int64_t> pads = op.before;
  pads.insert(pads.end(), op.after.begin(), op.after.end());
  w.give(
      w.add("Pad", {w.in(0), w.integers(pads), w.number(op.value)}, {{"mode", modes[static_cast<size_t>(op.mode)]}}));
}

/// A wide tensor as [N,C,H/b,b,W/b,b,...], and blocks moved in front of the channels or behind them.
void space_to_depth(OpWriter& w) {
  const auto& op = w.op<SpaceToDepth>();
  if (op.order == BlockOrder::dcr && w.rank() == 4)
    return w.give(w.add("SpaceToDepth", {w.in(0)}, {{"blocksize", op.block}}));
  const auto in = w.shape().dims(), out = w.result().shape.dims();
  if (op.order == BlockOrder::darknet) {
    if (w.rank() != 4) throw Unsupported("darknet's order in other than two dimensions");
    const auto wide = w.integers({0, in[1] / (op.block * op.block), in[2] * op.block, in[3] * op.block});
    const auto deep = w.add("SpaceToDepth", {w.add("Reshape", {w.in(0), wide})}, {{"blocksize", op.block}});
    return w.give(w.add("Reshape", {deep, w.integers({0, out[1], out[2], out[3]})}));
  }
  std::vector<int64_t> split = {0, in[1]}, places, blocks, whole(out.begin(), out.end());
  for (size_t i = 2; i < in.size(); ++i) {
    places.push_back(static_cast<int64_t>(split.size()));
    blocks.push_back(places.back() + 1);
    split.insert(split.end(), {in[i] / op.block, op.block});
  }
  std::vector<int64_t> perm = {0};
  if (op.order == BlockOrder::crd) perm.push_back(1);
  perm.insert(perm.end(), blocks.begin(), blocks.end());
  if (op.order == BlockOrder::dcr) perm.push_back(1);
  perm.insert(perm.end(), places.begin(), places.end());
  whole[0] = 0;
  const std::string moved = w.add("Transpose", {w.add("Reshape", {w.in(0), w.integers(split)})}, {{"perm", perm}});
  w.give(w.add("Reshape", {moved, w.integers(whole)}));
}

void depth_to_space(OpWriter& w) {
  const auto& op = w.op<DepthToSpace>();
  if (w.rank() != 4 || op.order == BlockOrder::darknet)
    throw Unsupported("other than two dimensions, or darknet's order");
  w.give(w.add("DepthToSpace", {w.in(0)},
               {{"blocksize", op.block}, {"mode", std::string_view(op.order == BlockOrder::crd ? "CRD" : "DCR")}}));
}

void resize(OpWriter& w) {
  static constexpr std::array<std::string_view, 3> places = {"half_pixel", "align_corners", "asymmetric"};
  static constexpr std::array<std::string_view, 4> roundings = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                                                "ceil"};
  const auto& op = w.op<Resize>();
  std::vector<double> scales = {1, 1};
  for (size_t i = 0; i < op.size.size(); ++i)
    scales.push_back(static_cast<double>(op.size[i]) / static_cast<double>(w.shape()[i + 2]));
  Tensor factors(DType::f32, {static_cast<int64_t>(scales.size())});
  for (size_t i = 0; i < scales.size(); ++i) factors.as<float>()[i] = static_cast<float>(scales[i]);
  w.give(w.add("Resize", {w.in(0), "", w.tensor(factors)},
               {{"mode", std::string_view(op.mode == ResizeMode::nearest ? "nearest" : "linear")},
                {"coordinate_transformation_mode", places[static_cast<size_t>(op.coordinates)]},
                {"nearest_mode", roundings[static_cast<size_t>(op.rounding)]}}));
}

void reduce(OpWriter& w) {
  static constexpr std::array<std::string_view, 7> kinds = {"ReduceSum",  "ReduceMean", "ReduceMax", "ReduceMin",
                                                            "ReduceProd", "ReduceL1",   "ReduceL2"};
  const auto& op = w.op<Reduce>();
  Names inputs = {w.in(0)};
  if (!op.axes.empty()) inputs.push_back(w.integers(op.axes));
  w.give(w.add(kinds[static_cast<size_t>(op.kind)], inputs, {{"keepdims", int64_t{op.keep_dims}}}));
}

void cumulative_sum(OpWriter& w) {
  const auto& op = w.op<CumulativeSum>();
  w.give(w.add("CumSum", {w.in(0), w.tensor(Tensor::of<int64_t>({}, {op.axis}))},
               {{"exclusive", int64_t{op.exclusive}}, {"reverse", int64_t{op.reverse}}}));
}

/// A dimension of 1 leaves the batch as it is.
void broadcast_to(OpWriter& w) {
  const auto& op = w.op<BroadcastTo>();
  std::vector<int64_t> dims = op.dims;
  if (!dims.empty() && dims[0] == any_dim) dims[0] = 1;
  const std::string y = w.add("Expand", {w.in(0), w.integers(dims)});
  w.give(op.scale == 1 ? y : w.add("Mul", {y, w.number(op.scale)}));
}

void gather(OpWriter& w) { w.give(w.add("Gather", {w.in(0), w.in(1)}, {{"axis", w.op<Gather>().axis}})); }
void gather_along(OpWriter& w) {
  w.give(w.add("GatherElements", {w.in(0), w.in(1)}, {{"axis", w.op<GatherAlong>().axis}}));
}

void one_hot(OpWriter& w) {
  const auto& op = w.op<OneHot>();
  const Tensor values = Tensor::of<float>({2}, {static_cast<float>(op.off), static_cast<float>(op.on)});
  w.give(
      w.add("OneHot", {w.in(0), w.tensor(Tensor::of<int64_t>({}, {op.depth})), w.tensor(values)}, {{"axis", op.axis}}));
}

void arg_extremum(OpWriter& w) {
  const auto& op = w.op<ArgExtremum>();
  const std::string index =
      w.add(op.smallest ? "ArgMin" : "ArgMax", {w.in(0)}, {{"axis", op.axis}, {"keepdims", int64_t{op.keep_dims}}});
  w.give(w.add("Cast", {index}, {{"to", as_i32}}));
}

void top_k(OpWriter& w) {
  const auto& op = w.op<TopK>();
  const Names found =
      w.add_many("TopK", {w.in(0), w.integers({op.k})}, 2, {{"axis", op.axis}, {"largest", int64_t{!op.smallest}}});
  w.give(found[0], 0);
  if (w.used(1)) w.give(w.add("Cast", {found[1]}, {{"to", as_i32}}), 1);
}

constexpr std::array<ExportEntry, 17> entries = {{
    {"arg_extremum", arg_extremum},
    {"broadcast_to", broadcast_to},
    {"concat", concat},
    {"cumulative_sum", cumulative_sum},
    {"depth_to_space", depth_to_space},
    {"gather", gather},
    {"gather_along", gather_along},
    {"one_hot", one_hot},
    {"pad", pad},
    {"reduce", reduce},
    {"reshape", reshape},
    {"resize", resize},
    {"reverse", reverse},
    {"slice", slice},
    {"space_to_depth", space_to_depth},
    {"top_k", top_k},
    {"transpose", transpose},
}};

}  // namespace

std::span<const ExportEntry> exported_in_arrangement() { return entries; }

}  // namespace ocellus::io::onnx_io
