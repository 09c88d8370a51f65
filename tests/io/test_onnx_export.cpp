// Models written as ONNX and read back: the same numbers, names and weights.
#include <gmock/gmock.h>

#include <functional>

#include <ocellus/io/format.h>
#include <ocellus/nn/layers/activation.h>
#include <ocellus/nn/layers/adaptive_pool.h>
#include <ocellus/nn/layers/add.h>
#include <ocellus/nn/layers/average_pool.h>
#include <ocellus/nn/layers/batch_norm.h>
#include <ocellus/nn/layers/concat.h>
#include <ocellus/nn/layers/conv.h>
#include <ocellus/nn/layers/conv_transpose.h>
#include <ocellus/nn/layers/dense.h>
#include <ocellus/nn/layers/depth_to_space.h>
#include <ocellus/nn/layers/dropout.h>
#include <ocellus/nn/layers/flatten.h>
#include <ocellus/nn/layers/global_pool.h>
#include <ocellus/nn/layers/group_norm.h>
#include <ocellus/nn/layers/instance_norm.h>
#include <ocellus/nn/layers/l2_normalize.h>
#include <ocellus/nn/layers/layer_norm.h>
#include <ocellus/nn/layers/local_response_norm.h>
#include <ocellus/nn/layers/max_pool.h>
#include <ocellus/nn/layers/pad.h>
#include <ocellus/nn/layers/prelu.h>
#include <ocellus/nn/layers/recurrent.h>
#include <ocellus/nn/layers/reshape.h>
#include <ocellus/nn/layers/resize2d.h>
#include <ocellus/nn/layers/softmax.h>
#include <ocellus/nn/layers/space_to_depth.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/host.h>
#include <ocellus/ops/indexing.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/select.h>
#include <ocellus/ops/shape.h>
#include <ocellus/zoo/zoo.h>

#include "io/support.h"
#include "tensor/files.h"

namespace ocellus {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing_files::message_of;
using testing_files::TemporaryFolder;
using testing_io::largest_difference;
using testing_io::use_fixed_algorithms;

Tensor noise(Shape shape, uint64_t seed = 1) {
  Tensor t(DType::f32, shape);
  Rng rng(seed);
  for (float& x : t.as<float>()) x = rng.uniform(-1, 1);
  return t;
}

/// Norms and biases that are not ones and zeros.
void stir(const Model& model) {
  uint64_t seed = 7;
  for (const ParameterPtr& p : model.parameters()) {
    if (p->role() == ParamRole::kernel) continue;
    Tensor t = noise(p->shape(), ++seed);
    for (float& x : t.as<float>()) x = p->name() == "moving_variance" ? x * 0.4f + 1 : x;
    p->set_value(t);
  }
}

/// Written, read and run: the largest difference from the model itself.
double round_trip(Model& model, const Tensor& x, int64_t* parameters = nullptr) {
  const TemporaryFolder folder;
  use_fixed_algorithms(model);
  stir(model);
  io::write_model(model, folder / "m.onnx");
  Model again = io::read_model(folder / "m.onnx");
  use_fixed_algorithms(again);
  if (parameters) *parameters = again.count_parameters();
  EXPECT_EQ(again.graph().outputs[0].shape(), model.graph().outputs[0].shape());
  return largest_difference(again.predict(x), model.predict(x));
}

struct Case {
  const char* name;
  Shape sample;
  std::function<Value(const Value&)> build;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class OnnxRoundTrip : public testing::TestWithParam<Case> {};

TEST_P(OnnxRoundTrip, computes_the_same) {
  const Case& c = GetParam();
  const Value x = nn::input(c.sample);
  Model model({x}, {c.build(x)});
  std::vector<int64_t> dims = {3};
  dims.insert(dims.end(), c.sample.begin(), c.sample.end());
  EXPECT_LE(round_trip(model, noise(Shape(std::span<const int64_t>(dims)))), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(
    Onnx, OnnxRoundTrip,
    testing::Values(
        Case{"conv_same",
             {3, 7, 6},
             [](const Value& x) {
               return nn::Conv2D({.filters = 4, .stride = 2, .padding = same, .activation = leaky_relu(0.1)})(x);
             }},
        Case{"conv_reflected",
             {3, 7, 6},
             [](const Value& x) {
               return nn::Conv2D({.filters = 6, .padding = Padding(1), .padding_mode = PadMode::reflect, .groups = 3})(
                   x);
             }},
        Case{"conv_volume",
             {2, 4, 5, 6},
             [](const Value& x) {
               return nn::Conv3D({.filters = 3, .kernel = {1, 2, 3}, .dilation = {1, 2, 1}})(x);
             }},
        Case{"conv_transpose",
             {4, 5, 4},
             [](const Value& x) {
               return nn::Conv2DTranspose({.filters = 3, .stride = 2, .padding = Padding(1), .output_padding = 1})(x);
             }},
        Case{"conv_transpose_same",
             {4, 5, 4},
             [](const Value& x) { return nn::Conv2DTranspose({.filters = 3, .stride = 2, .padding = same})(x); }},
        Case{"pools",
             {3, 7, 8},
             [](const Value& x) {
               const Value a = nn::MaxPool2D({.size = 3, .stride = 2, .padding = same})(x);
               const Value b =
                   nn::AveragePool2D({.size = 3, .stride = 2, .padding = Padding(1), .count_include_pad = true})(x);
               return nn::Concat()({a, b});
             }},
        Case{"pools_that_hang_over",
             {3, 6, 6},
             [](const Value& x) {
               return nn::AveragePool2D({.size = 3, .stride = 2, .ceil_mode = true})(
                   nn::MaxPool2D({.size = 3, .stride = 1, .ceil_mode = true})(x));
             }},
        Case{"pools_of_everything",
             {3, 6, 6},
             [](const Value& x) {
               return nn::Concat()({nn::GlobalAveragePool2D()(x), nn::GlobalMaxPool2D()(x),
                                    nn::Flatten()(nn::AdaptiveAveragePool2D({.size = 3})(x))});
             }},
        Case{"norms",
             {6, 4, 5},
             [](const Value& x) {
               Value y = nn::BatchNorm({.activation = relu})(x);
               y = nn::InstanceNorm()(y);
               y = nn::GroupNorm({.groups = 3})(y);
               return nn::LayerNorm()(nn::LocalResponseNorm()(nn::L2Normalize()(y)));
             }},
        Case{"batch_norm_of_darknet",
             {3, 4, 4},
             [](const Value& x) { return nn::BatchNorm({.epsilon = 1e-3, .epsilon_outside = true})(x); }},
        Case{"activations",
             {4, 6},
             [](const Value& x) {
               Values all;
               for (const auto name : nn::activation_names()) all.push_back(nn::Activation(name)(x));
               return nn::Concat()({nn::Concat()(all), nn::PReLU()(x), nn::Activation(scaled_tanh)(x)});
             }},
        Case{"dense",
             {3, 4},
             [](const Value& x) {
               Value y = nn::Dense({.units = 8, .activation = tanh_})(nn::Flatten()(x));
               y = nn::Dropout()(nn::Add()({y, nn::Dense({.units = 8, .use_bias = false})(y)}));
               return nn::Softmax()(y);
             }},
        Case{"shapes",
             {4, 4, 6},
             [](const Value& x) {
               Value y = nn::SpaceToDepth()(x);
               y = nn::Concat()({y, nn::SpaceToDepth({.order = BlockOrder::darknet})(x),
                                 nn::SpaceToDepth({.order = BlockOrder::crd})(x)});
               y = nn::DepthToSpace({.order = BlockOrder::crd})(y);
               y = nn::Pad({.before = {0, 1, 0}, .after = {0, 0, 2}, .value = 0.5})(y);
               y = ops::reverse(ops::slice(y, {.axis = 2, .begin = 1, .end = -1, .step = 2}), {1, 3});
               return nn::Reshape({.shape = {-1, 2}})(ops::transpose(y, {0, 2, 3, 1}));
             }},
        Case{"resizes",
             {2, 3, 4},
             [](const Value& x) {
               return nn::Resize2D({.mode = ResizeMode::linear})(nn::Resize2D(
                   {.factor = 3, .coordinates = ResizeCoordinates::asymmetric, .rounding = ResizeRounding::floor})(x));
             }},
        Case{"reductions",
             {5, 4},
             [](const Value& x) {
               const Value top = ops::top_k(x, {.k = 2, .axis = 1})[0];
               const Value sums = ops::concat({ops::reduce_sum(x, {.axes = {2}}), ops::reduce_l2(x, {.axes = {2}})}, 1);
               const Value gathered = ops::gather(x, constant(Tensor::of<int32_t>({2}, {3, 0})), 2);
               const Value chosen = ops::where(ops::greater(x, ops::reduce_mean(x, {.axes = {1}, .keep_dims = true})),
                                               x, ops::affine(x, 2, 1));
               return ops::concat(
                   {nn::Flatten()(top), sums, nn::Flatten()(gathered), nn::Flatten()(ops::cumulative_sum(chosen))}, 1);
             }}),
    [](const auto& info) { return info.param.name; });

/// Steps of a recurrence come before the batch in ONNX, so that the batch's size is fixed on the way back.
TEST(OnnxExport, recurrences_keep_their_numbers) {
  const TemporaryFolder folder;
  const Value x = ocellus::input("x", {DType::f32, {2, 5, 3}});
  const Value h = nn::GRU({.units = 4, .return_sequences = true, .name = "gru"})(
      nn::LSTM({.units = 3, .return_sequences = true, .bidirectional = true, .name = "lstm"})(x));
  Model model({x}, {h});
  use_fixed_algorithms(model);
  stir(model);
  io::write_model(model, folder / "m.onnx");
  Model again = io::read_model(folder / "m.onnx");
  use_fixed_algorithms(again);
  EXPECT_LE(largest_difference(again.predict(noise({2, 5, 3})), model.predict(noise({2, 5, 3}))), 1e-5);
}

class OnnxZoo : public testing::TestWithParam<const char*> {};

TEST_P(OnnxZoo, comes_back_as_it_was) {
  Model model = zoo::create(GetParam());
  std::vector<int64_t> dims(model.graph().inputs[0].shape().begin(), model.graph().inputs[0].shape().end());
  dims[0] = 1;
  int64_t parameters = 0;
  EXPECT_EQ(round_trip(model, noise(Shape(std::span<const int64_t>(dims))), &parameters), 0);
  EXPECT_EQ(parameters, model.count_parameters());
}

INSTANTIATE_TEST_SUITE_P(Onnx, OnnxZoo, testing::Values("lenet5", "resnet20", "squeezenet", "mobilenet-0.25"));

TEST(OnnxExport, keeps_names_preprocessing_and_classes) {
  const TemporaryFolder folder;
  const Value x = nn::input({1, 8, 8}, "image");
  const Value y =
      nn::Dense({.units = 2, .name = "head/logits"})(nn::Flatten()(nn::Conv2D({.filters = 2, .name = "stem"})(x)));
  Model model({x}, {y}, {.name = "small"});
  model.set_preprocess({.channels = 1, .height = 8, .width = 8, .mean = {0.5f}});
  model.set_class_names({"cat", "dog"});
  io::write_model(model, folder / "m.onnx");
  const Model again = io::read_model(folder / "m.onnx");
  EXPECT_EQ(again.name(), "small");
  EXPECT_EQ(again.input_names(), model.input_names());
  EXPECT_EQ(again.output_names(), model.output_names());
  EXPECT_EQ(again.preprocess(), model.preprocess());
  EXPECT_EQ(again.class_names(), model.class_names());
  std::vector<std::string> before, after;
  for (const ParameterPtr& p : model.parameters()) before.push_back(p->path());
  for (const ParameterPtr& p : again.parameters()) after.push_back(p->path());
  EXPECT_EQ(after, before);
}

TEST(OnnxExport, lists_all_that_has_no_counterpart) {
  const TemporaryFolder folder;
  const Value x = nn::input({4});
  HostSpec spec{.name = "mine",
                .infer = [](std::span<const TensorType> t) { return Types{t[0]}; },
                .run = [](std::span<const Tensor>, std::span<Tensor>) {},
                .gradient = nullptr};
  const Value y = host_op(spec, host_op(spec, {x}))[0];
  const Model model({x}, {y});
  EXPECT_THAT(message_of<Unsupported>([&] { io::write_model(model, folder / "m.onnx"); }),
              AllOf(HasSubstr("host"), HasSubstr("2 of them")));
  EXPECT_FALSE(std::filesystem::exists(folder / "m.onnx"));
}

}  // namespace
}  // namespace ocellus
