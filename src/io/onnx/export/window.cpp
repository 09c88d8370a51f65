// To ONNX: convolutions and pooling. Padding is written out as numbers, whatever rule it came from.

#include <array>

#include <ocellus/base/error.h>
#include <ocellus/ops/conv.h>
#include <ocellus/ops/pool.h>
#include <ocellus/ops/roi.h>

#include "io/onnx/support/writer.h"

namespace ocellus::io::onnx_io {
namespace {

std::vector<int64_t> joined(const std::vector<int64_t>& begin, const std::vector<int64_t>& end) {
  std::vector<int64_t> pads = begin;
  pads.insert(pads.end(), end.begin(), end.end());
  return pads;
}

Attributes attributes_of(const PlacedWindow& window) {
  return {{"kernel_shape", window.kernel},
          {"strides", window.stride},
          {"dilations", window.dilation},
          {"pads", joined(window.pad_begin, window.pad_end)}};
}

void conv(OpWriter& w) {
  const auto& op = w.op<Conv>();
  Attributes attributes = attributes_of(place(op.window, spatial(w.shape(0)), spatial(w.shape(1))));
  attributes.push_back({"group", op.groups});
  Names inputs = {w.in(0), w.in(1)};
  if (op.bias) inputs.push_back(w.in(2));
  std::string y = w.add("Conv", inputs, attributes);
  if (op.residual) y = w.add("Add", {y, w.in(w.inputs() - 1)});
  w.give(w.activated(y, op.activation));
}

/// What leads back through a convolution: output padding makes up for the elements that its windows left over.
void conv_backward_data(OpWriter& w) {
  const auto& op = w.op<ConvBackwardData>();
  const PlacedWindow window = place(op.window, op.input, spatial(w.shape(1)));
  std::vector<int64_t> further;
  for (size_t i = 0; i < op.input.size(); ++i) {
    const int64_t covered = window.dilation[i] * (window.kernel[i] - 1) + 1;
    further.push_back(op.input[i] + window.pad_begin[i] + window.pad_end[i] - covered -
                      (window.output[i] - 1) * window.stride[i]);
  }
  Attributes attributes = attributes_of(window);
  attributes.push_back({"output_padding", further});
  attributes.push_back({"group", op.groups});
  w.give(w.add("ConvTranspose", {w.in(0), w.in(1)}, attributes));
}

void max_pool(OpWriter& w) {
  const auto& op = w.op<MaxPool>();
  if (w.used(1)) throw Unsupported("positions of maxima");
  w.give(w.add("MaxPool", {w.in(0)}, attributes_of(place(op.window, spatial(w.shape()), op.kernel, op.ceil_mode))));
}

/// Padding beyond what was asked for never counts, which only ceil mode says.
void average_pool(OpWriter& w) {
  const auto& op = w.op<AveragePool>();
  const PlacedWindow window = place(op.window, spatial(w.shape()), op.kernel, op.ceil_mode);
  Attributes attributes = attributes_of(window);
  attributes.push_back({"count_include_pad", int64_t{op.count_include_pad}});
  if (op.count_include_pad && window.pad_end != window.asked_end) {
    attributes[3] = {"pads", joined(window.pad_begin, window.asked_end)};
    attributes.push_back({"ceil_mode", int64_t{1}});
  }
  w.give(w.add("AveragePool", {w.in(0)}, attributes));
}

void global_average_pool(OpWriter& w) { w.give(w.add("GlobalAveragePool", {w.in(0)})); }

/// Bins of one size are windows.
void adaptive(OpWriter& w, const char* kind, const std::vector<int64_t>& output) {
  const auto input = spatial(w.shape());
  std::vector<int64_t> kernel;
  for (size_t i = 0; i < input.size(); ++i) {
    if (input[i] % output[i] != 0) throw Unsupported("bins of different sizes");
    kernel.push_back(input[i] / output[i]);
  }
  w.give(w.add(kind, {w.in(0)}, {{"kernel_shape", kernel}, {"strides", kernel}}));
}

void adaptive_average_pool(OpWriter& w) { adaptive(w, "AveragePool", w.op<AdaptiveAveragePool>().output); }
void adaptive_max_pool(OpWriter& w) { adaptive(w, "MaxPool", w.op<AdaptiveMaxPool>().output); }

void roi_pool(OpWriter& w) {
  const auto& op = w.op<RoiPool>();
  if (w.used(1)) throw Unsupported("positions of maxima");
  w.give(w.add("MaxRoiPool", {w.in(0), w.in(1)}, {{"pooled_shape", op.output}, {"spatial_scale", op.scale}}));
}

void roi_align(OpWriter& w) {
  const auto& op = w.op<RoiAlign>();
  const auto columns = [&](int64_t begin, int64_t end) {
    return w.add("Slice", {w.in(1), w.integers({begin}), w.integers({end}), w.integers({1})});
  };
  const std::string images = w.add("Cast", {w.add("Squeeze", {columns(0, 1), w.integers({1})})}, {{"to", int64_t{7}}});
  w.give(
      w.add("RoiAlign", {w.in(0), columns(1, 5), images},
            {{"output_height", op.output[0]},
             {"output_width", op.output[1]},
             {"spatial_scale", op.scale},
             {"sampling_ratio", op.sampling_ratio},
             {"coordinate_transformation_mode", std::string_view(op.aligned ? "half_pixel" : "output_half_pixel")}}));
}

constexpr std::array<ExportEntry, 9> entries = {{
    {"adaptive_average_pool", adaptive_average_pool},
    {"adaptive_max_pool", adaptive_max_pool},
    {"average_pool", average_pool},
    {"conv", conv},
    {"conv_backward_data", conv_backward_data},
    {"global_average_pool", global_average_pool},
    {"max_pool", max_pool},
    {"roi_align", roi_align},
    {"roi_pool", roi_pool},
}};

}  // namespace

std::span<const ExportEntry> exported_in_window() { return entries; }

}  // namespace ocellus::io::onnx_io
