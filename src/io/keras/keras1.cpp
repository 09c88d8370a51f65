// Keras 1 had other names for classes and settings. Facts: the table of Keras 2's own converter.
#include <algorithm>
#include <array>
#include <utility>

#include <ocellus/base/error.h>

#include "io/keras/weights.h"
#include "io/tensors.h"

namespace ocellus::io::keras {
namespace {

using nlohmann::json;
using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::array<Pair, 12> classes = {{{"Convolution1D", "Conv1D"},
                                           {"Convolution2D", "Conv2D"},
                                           {"Convolution3D", "Conv3D"},
                                           {"AtrousConvolution1D", "Conv1D"},
                                           {"AtrousConvolution2D", "Conv2D"},
                                           {"AtrousConv2D", "Conv2D"},
                                           {"Deconvolution2D", "Conv2DTranspose"},
                                           {"Deconvolution3D", "Conv3DTranspose"},
                                           {"SeparableConvolution2D", "SeparableConv2D"},
                                           {"SeparableConvolution1D", "SeparableConv1D"},
                                           {"DepthwiseConvolution2D", "DepthwiseConv2D"},
                                           {"Dropout2D", "SpatialDropout2D"}}};

constexpr std::array<Pair, 15> settings = {{{"nb_filter", "filters"},
                                            {"subsample", "strides"},
                                            {"subsample_length", "strides"},
                                            {"border_mode", "padding"},
                                            {"filter_length", "kernel_size"},
                                            {"atrous_rate", "dilation_rate"},
                                            {"bias", "use_bias"},
                                            {"output_dim", "units"},
                                            {"inner_activation", "recurrent_activation"},
                                            {"pool_length", "pool_size"},
                                            {"stride", "strides"},
                                            {"length", "size"},
                                            {"p", "rate"},
                                            {"concat_axis", "axis"},
                                            {"batch_input_shape", "batch_shape"}}};

/// The merge of Keras 1 was one layer with a mode.
std::string merge_class(const LayerSpec& layer, const std::string& mode) {
  constexpr std::array<Pair, 7> modes = {{{"sum", "Add"},
                                          {"mul", "Multiply"},
                                          {"concat", "Concatenate"},
                                          {"ave", "Average"},
                                          {"max", "Maximum"},
                                          {"min", "Minimum"},
                                          {"dot", "Dot"}}};
  const auto* found = std::ranges::find(modes, mode, &Pair::first);
  if (found == modes.end()) layer.unsupported("merges by \"" + mode + "\"");
  return std::string(found->second);
}

/// "nb_row" and its companions are one "kernel_size".
void join_sizes(json& config, std::initializer_list<const char*> parts) {
  json sizes = json::array();
  for (const char* part : parts)
    if (config.contains(part)) sizes.push_back(config.at(part));
  if (sizes.size() == parts.size()) config["kernel_size"] = sizes;
}

}  // namespace

void modernise(LayerSpec& layer) {
  json& config = layer.config;
  if (config.contains("dim_ordering")) {
    const json order = config.at("dim_ordering");
    if (order == "th") config["data_format"] = "channels_first";
    if (order == "tf") config["data_format"] = "channels_last";
  }
  if (layer.version >= 2) {
    // Shapes of inputs have had two names.
    if (config.contains("batch_input_shape") && !config.contains("batch_shape"))
      config["batch_shape"] = config.at("batch_input_shape");
    return;
  }
  if (layer.class_name == "Merge") layer.class_name = merge_class(layer, layer.text("mode", "sum"));
  const auto* renamed = std::ranges::find(classes, layer.class_name, &Pair::first);
  if (renamed != classes.end()) layer.class_name = std::string(renamed->second);
  for (const auto& [old_name, new_name] : settings)
    if (config.contains(old_name) && !config.contains(new_name)) config[std::string(new_name)] = config.at(old_name);
  join_sizes(config, {"nb_row", "nb_col"});
  join_sizes(config, {"kernel_dim1", "kernel_dim2", "kernel_dim3"});
  if (layer.class_name == "BatchNormalization" && layer.integer("mode", 0) == 1)
    layer.unsupported("normalises each sample by itself (mode 1)");
  if (layer.class_name.find("Padding") != std::string::npos && config.contains("padding") &&
      config.at("padding").is_object()) {
    const auto side = [&](const char* name) { return config.at("padding").value(name, int64_t{0}); };
    config["padding"] = {{side("top_pad"), side("bottom_pad")}, {side("left_pad"), side("right_pad")}};
  }
}

namespace {

/// Arrays side by side along their last dimension.
Tensor side_by_side(const std::vector<Tensor>& arrays, std::initializer_list<size_t> which) {
  std::vector<int64_t> dims(arrays[*which.begin()].shape().begin(), arrays[*which.begin()].shape().end());
  const int64_t width = dims.back(), rows = arrays[*which.begin()].numel() / std::max<int64_t>(width, 1);
  dims.back() = width * static_cast<int64_t>(which.size());
  Tensor result(DType::f32, shape_of(dims));
  int64_t column = 0;
  for (const size_t i : which) {
    if (!(arrays[i].shape() == arrays[*which.begin()].shape()))
      throw ShapeError("a recurrent layer's gates differ in size");
    for (int64_t r = 0; r < rows; ++r)
      std::copy_n(arrays[i].as<float>().data() + r * width, width,
                  result.as<float>().data() + r * dims.back() + column);
    column += width;
  }
  return result;
}

/// Keras 1 had an array for each gate.
std::vector<Tensor> joined_gates(const LayerSpec& layer, const std::vector<Tensor>& arrays) {
  if (layer.class_name == "LSTM" && arrays.size() == 12)
    return {side_by_side(arrays, {0, 6, 3, 9}), side_by_side(arrays, {1, 7, 4, 10}),
            side_by_side(arrays, {2, 8, 5, 11})};
  if (layer.class_name == "GRU" && arrays.size() == 9)
    return {side_by_side(arrays, {0, 3, 6}), side_by_side(arrays, {1, 4, 7}), side_by_side(arrays, {2, 5, 8})};
  return arrays;
}

bool is_convolution(const LayerSpec& layer) { return layer.class_name.find("Conv") != std::string::npos; }

}  // namespace

std::vector<Tensor> modern_arrays(const LayerSpec& layer, std::vector<Tensor> arrays, const Writer& writer) {
  if (writer.version < 2) arrays = joined_gates(layer, arrays);
  if (!is_convolution(layer)) return arrays;
  for (Tensor& t : arrays) {
    const size_t rank = t.shape().rank();
    if (rank < 3) continue;
    if (writer.version < 2 && !layer.channels_last() && rank == 4) t = transposed(t, {2, 3, 1, 0});
    if (writer.version < 2 && layer.class_name == "Conv1D" && rank == 4 && t.shape()[1] == 1)
      t = t.reshape({t.shape()[0], t.shape()[2], t.shape()[3]});
    // Theano convolves as mathematics defines it, with the kernel turned round.
    if (writer.backend == "theano") {
      std::vector<size_t> axes;
      for (size_t i = 0; i + 2 < t.shape().rank(); ++i) axes.push_back(i);
      t = reversed(t, axes);
    }
  }
  return arrays;
}

}  // namespace ocellus::io::keras
