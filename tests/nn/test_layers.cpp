#include <gmock/gmock.h>

#include <ocellus/nn/layers/activation.h>
#include <ocellus/nn/layers/add.h>
#include <ocellus/nn/layers/average_pool.h>
#include <ocellus/nn/layers/batch_norm.h>
#include <ocellus/nn/layers/concat.h>
#include <ocellus/nn/layers/conv.h>
#include <ocellus/nn/layers/dense.h>
#include <ocellus/nn/layers/dropout.h>
#include <ocellus/nn/layers/flatten.h>
#include <ocellus/nn/layers/global_pool.h>
#include <ocellus/nn/layers/max_pool.h>
#include <ocellus/nn/layers/pad.h>
#include <ocellus/nn/layers/radial_basis.h>
#include <ocellus/nn/layers/reshape.h>
#include <ocellus/nn/layers/softmax.h>
#include <ocellus/nn/layers/subsample2d.h>
#include <ocellus/nn/layers/table_conv2d.h>

#include "nn/layer_check.h"
#include "tensor/files.h"

namespace ocellus::nn {
namespace {

using testing_files::message_of;

TEST(Layer, conv2d) {
  layer_check({.title = "valid",
               .make = maker<Conv2D>(Conv2DConfig{.filters = 6, .kernel = {3, 5}}),
               .samples = {{2, 9, 8}},
               .output = {6, 7, 4},
               .parameters = {{"kernel", {6, 2, 3, 5}}, {"bias", {6}}}});
  layer_check({.title = "same, stride, groups, no bias",
               .make = maker<Conv2D>(Conv2DConfig{.filters = 8, .kernel = 3, .stride = 2, .padding = same, .groups = 2,
                                                  .activation = tanh_, .use_bias = false}),
               .samples = {{4, 9, 8}},
               .output = {8, 5, 4},
               .parameters = {{"kernel", {8, 2, 3, 3}}}});
}

TEST(Layer, dense) {
  layer_check({.title = "dense",
               .make = maker<Dense>(DenseConfig{.units = 5, .activation = sigmoid}),
               .samples = {{7}},
               .output = {5},
               .parameters = {{"kernel", {5, 7}}, {"bias", {5}}}});
}

TEST(Layer, pooling) {
  layer_check({.title = "max", .make = maker<MaxPool2D>(MaxPool2DConfig{}), .samples = {{3, 6, 7}}, .output = {3, 3, 3},
               .smooth = false});
  layer_check({.title = "overlapping max, ceil",
               .make = maker<MaxPool2D>(MaxPool2DConfig{.size = 3, .stride = 2, .ceil_mode = true}),
               .samples = {{3, 6, 6}},
               .output = {3, 3, 3},
               .smooth = false});
  layer_check({.title = "average", .make = maker<AveragePool2D>(AveragePool2DConfig{.size = {2, 3}}),
               .samples = {{3, 6, 6}}, .output = {3, 3, 2}});
  layer_check({.title = "global", .make = maker<GlobalAveragePool2D>(GlobalAveragePool2DConfig{}), .samples = {{3, 5, 6}},
               .output = {3}});
  layer_check({.title = "global, kept", .make = maker<GlobalAveragePool2D>(GlobalAveragePool2DConfig{.keep_dims = true}),
               .samples = {{3, 5, 6}}, .output = {3, 1, 1}});
}

TEST(Layer, batch_norm) {
  layer_check({.title = "batch norm",
               .make = maker<BatchNorm>(BatchNormConfig{}),
               .samples = {{3, 5, 6}},
               .output = {3, 5, 6},
               .parameters = {{"gamma", {3}}, {"beta", {3}}, {"moving_mean", {3}}, {"moving_variance", {3}}}});
}

TEST(Layer, without_parameters) {
  layer_check({.title = "activation", .make = [](std::string n) { return std::make_unique<Activation>(leaky_relu(0.1), n); },
               .samples = {{3, 4}}, .output = {3, 4}, .smooth = false});
  layer_check({.title = "softmax", .make = maker<Softmax>(SoftmaxConfig{}), .samples = {{6}}, .output = {6}});
  layer_check({.title = "dropout", .make = maker<Dropout>(DropoutConfig{.rate = 0.25}), .samples = {{3, 4}}, .output = {3, 4}});
  layer_check({.title = "flatten", .make = [](std::string n) { return std::make_unique<Flatten>(n); }, .samples = {{3, 4, 2}},
               .output = {24}});
  layer_check({.title = "add", .make = maker<Add>(AddConfig{}), .samples = {{3, 4}, {3, 4}, {3, 4}}, .output = {3, 4}});
  layer_check({.title = "concat", .make = maker<Concat>(ConcatConfig{}), .samples = {{3, 4}, {2, 4}}, .output = {5, 4}});
  layer_check({.title = "pad", .make = maker<Pad>(PadConfig{.before = {0, 1, 2}, .after = {2, 0, 1}}), .samples = {{3, 4, 5}},
               .output = {5, 5, 8}});
  layer_check({.title = "reshape", .make = maker<Reshape>(ReshapeConfig{.shape = {-1, 2}}), .samples = {{3, 4}},
               .output = {6, 2}});
}

TEST(Layer, of_lenet5_as_published) {
  layer_check({.title = "subsample",
               .make = maker<Subsample2D>(Subsample2DConfig{}),
               .samples = {{3, 6, 4}},
               .output = {3, 3, 2},
               .parameters = {{"coefficient", {3, 1, 1}}, {"bias", {3, 1, 1}}}});
  layer_check({.title = "table",
               .make = maker<TableConv2D>(TableConv2DConfig{.table = {{0, 2}, {1}, {0, 1, 2}}, .kernel = 3}),
               .samples = {{3, 6, 5}},
               .output = {3, 4, 3},
               .parameters = {{"kernel", {6, 1, 3, 3}}, {"bias", {3}}}});
  layer_check({.title = "radial basis",
               .make = maker<RadialBasis>(RadialBasisConfig{.centres = Tensor::of<float>({2, 3}, {1, -1, 1, -1, 1, 1})}),
               .samples = {{3}},
               .output = {2}});
}

TEST(Layer, copies_share_parameters_and_others_do_not) {
  const Conv2D conv({.filters = 2});
  const Conv2D copy = conv;
  const Value x = input({1, 8, 8});
  conv(x);
  copy(x);
  EXPECT_EQ(conv.parameters(), copy.parameters());
  const Conv2D other({.filters = 2});
  other(x);
  EXPECT_NE(conv.parameters(), other.parameters());
}

TEST(Layer, a_temporary_serves_for_one_call) {
  const Value y = Dense({.units = 3})(Flatten()(input({2, 2, 2})));
  EXPECT_EQ(y.shape(), (Shape{any_dim, 3}));
}

TEST(Layer, errors_name_the_layer_and_both_shapes) {
  const Conv2D conv({.filters = 2, .name = "block1/conv2"});
  conv(input({3, 8, 8}));
  EXPECT_EQ(message_of<ShapeError>([&] { conv(input({4, 8, 8})); }),
            "[conv2d block1/conv2] kernel was made as [2,3,3,3] by an earlier call, this one needs [2,4,3,3]");
  EXPECT_THAT(message_of<ShapeError>([&] { conv(input({3, 2, 8})); }), ::testing::StartsWith("[conv2d block1/conv2] "));
  EXPECT_EQ(message_of<ShapeError>([] { Dense({.units = 2})(input({3, 8, 8})); }),
            "[dense] needs an input [N,in], got f32[N,3,8,8]: flatten it first");
  EXPECT_EQ(message_of<ShapeError>([] { Add({.name = "sum"})({input({3}), input({4})}); }),
            "[add sum] inputs differ: f32[N,3] and f32[N,4]");
}

TEST(Layer, a_failed_first_call_leaves_no_parameters) {
  const Conv2D conv({.filters = 2, .kernel = 5});
  EXPECT_THROW(conv(input({3, 4, 4})), ShapeError);
  EXPECT_TRUE(conv.parameters().empty());
  conv(input({1, 8, 8}));
  EXPECT_EQ(conv.parameters()[0]->shape(), (Shape{2, 1, 5, 5}));
}

TEST(Layer, settings_out_of_range_are_refused) {
  EXPECT_THROW(Conv2D({.filters = 0}), UsageError);
  EXPECT_THROW(Conv2D({.filters = 3, .groups = 2}), UsageError);
  EXPECT_THROW(Dense({.units = -1}), UsageError);
  EXPECT_THROW(MaxPool2D({.size = 0}), UsageError);
  EXPECT_THROW(Dropout({.rate = 1}), UsageError);
  EXPECT_THROW(TableConv2D({.table = {{0}, {}}}), UsageError);
}

TEST(Layer, names_come_from_kinds) {
  EXPECT_EQ(snake_case("Conv2D"), "conv2d");
  EXPECT_EQ(snake_case("GlobalAveragePool2D"), "global_average_pool2d");
  EXPECT_EQ(snake_case("BatchNorm"), "batch_norm");
}

}  // namespace
}  // namespace ocellus::nn
