#include <gmock/gmock.h>

#include <ocellus/nn/layers/adaptive_pool.h>
#include <ocellus/nn/layers/average_pool.h>
#include <ocellus/nn/layers/global_pool.h>
#include <ocellus/nn/layers/max_pool.h>
#include <ocellus/nn/layers/space_pad.h>

#include "nn/layer_check.h"
#include "tensor/files.h"

namespace ocellus::nn {
namespace {

using testing_files::message_of;

TEST(Layer, windows) {
  layer_check({.title = "max, one dimension",
               .make = maker<MaxPool1D>(MaxPool1DConfig{.size = 3, .stride = 2, .padding = same}),
               .samples = {{3, 9}},
               .output = {3, 5},
               .smooth = false});
  layer_check({.title = "max, three dimensions, dilated",
               .make = maker<MaxPool3D>(MaxPool3DConfig{.size = {2, 1, 2}, .stride = 1, .dilation = {1, 1, 2}}),
               .samples = {{3, 4, 5, 6}},
               .output = {3, 3, 5, 4},
               .smooth = false});
  layer_check({.title = "average, one dimension",
               .make = maker<AveragePool1D>(AveragePool1DConfig{}),
               .samples = {{3, 9}},
               .output = {3, 4}});
  layer_check({.title = "average, three dimensions",
               .make = maker<AveragePool3D>(
                   AveragePool3DConfig{.size = 3, .stride = 2, .padding = Padding(1), .count_include_pad = true}),
               .samples = {{3, 5, 4, 6}},
               .output = {3, 3, 2, 3}});
}

TEST(Layer, whole_planes) {
  layer_check({.title = "average, one dimension",
               .make = maker<GlobalAveragePool1D>(GlobalPoolConfig{}),
               .samples = {{3, 9}},
               .output = {3}});
  layer_check({.title = "average, three dimensions",
               .make = maker<GlobalAveragePool3D>(GlobalPoolConfig{.keep_dims = true}),
               .samples = {{3, 2, 4, 3}},
               .output = {3, 1, 1, 1}});
  layer_check({.title = "max, one dimension",
               .make = maker<GlobalMaxPool1D>(GlobalPoolConfig{.keep_dims = true}),
               .samples = {{3, 9}},
               .output = {3, 1},
               .smooth = false});
  layer_check({.title = "max",
               .make = maker<GlobalMaxPool2D>(GlobalPoolConfig{}),
               .samples = {{3, 5, 6}},
               .output = {3},
               .smooth = false});
  layer_check({.title = "max, three dimensions",
               .make = maker<GlobalMaxPool3D>(GlobalPoolConfig{}),
               .samples = {{3, 2, 4, 3}},
               .output = {3},
               .smooth = false});
}

TEST(Layer, adaptive_pooling) {
  layer_check({.title = "average",
               .make = maker<AdaptiveAveragePool2D>(AdaptivePool2DConfig{.size = {3, 2}}),
               .samples = {{3, 7, 6}},
               .output = {3, 3, 2}});
  layer_check({.title = "average, one dimension",
               .make = maker<AdaptiveAveragePool1D>(AdaptivePool1DConfig{.size = 4}),
               .samples = {{3, 7}},
               .output = {3, 4}});
  layer_check({.title = "average, three dimensions",
               .make = maker<AdaptiveAveragePool3D>(AdaptivePool3DConfig{}),
               .samples = {{3, 2, 5, 4}},
               .output = {3, 1, 1, 1}});
  layer_check({.title = "max",
               .make = maker<AdaptiveMaxPool2D>(AdaptivePool2DConfig{.size = 3}),
               .samples = {{3, 7, 8}},
               .output = {3, 3, 3},
               .smooth = false});
  layer_check({.title = "max, one dimension",
               .make = maker<AdaptiveMaxPool1D>(AdaptivePool1DConfig{.size = 4}),
               .samples = {{3, 7}},
               .output = {3, 4},
               .smooth = false});
  layer_check({.title = "max, three dimensions",
               .make = maker<AdaptiveMaxPool3D>(AdaptivePool3DConfig{.size = {1, 3, 2}}),
               .samples = {{3, 2, 5, 4}},
               .output = {3, 1, 3, 2},
               .smooth = false});
}

TEST(Layer, padding_of_positions) {
  layer_check({.title = "zeros",
               .make = maker<ZeroPad2D>(Pad2DConfig{.before = {1, 2}, .after = Extent(0, 1)}),
               .samples = {{3, 4, 5}},
               .output = {3, 5, 8}});
  layer_check({.title = "zeros, one dimension",
               .make = maker<ZeroPad1D>(Pad1DConfig{}),
               .samples = {{3, 4}},
               .output = {3, 6}});
  layer_check({.title = "zeros, three dimensions",
               .make = maker<ZeroPad3D>(Pad3DConfig{.before = {0, 1, 2}}),
               .samples = {{3, 2, 4, 5}},
               .output = {3, 2, 6, 9}});
  layer_check({.title = "reflection",
               .make = maker<ReflectionPad2D>(Pad2DConfig{.before = 2}),
               .samples = {{3, 4, 5}},
               .output = {3, 8, 9}});
  layer_check({.title = "reflection, one dimension",
               .make = maker<ReflectionPad1D>(Pad1DConfig{.before = 3}),
               .samples = {{3, 4}},
               .output = {3, 10}});
  layer_check({.title = "reflection, three dimensions",
               .make = maker<ReflectionPad3D>(Pad3DConfig{}),
               .samples = {{3, 2, 4, 5}},
               .output = {3, 4, 6, 7}});
  layer_check({.title = "replication",
               .make = maker<ReplicationPad2D>(Pad2DConfig{.before = 5}),
               .samples = {{3, 4, 5}},
               .output = {3, 14, 15}});
  layer_check({.title = "replication, one dimension",
               .make = maker<ReplicationPad1D>(Pad1DConfig{.before = 0, .after = Extent1D(2)}),
               .samples = {{3, 4}},
               .output = {3, 6}});
  layer_check({.title = "replication, three dimensions",
               .make = maker<ReplicationPad3D>(Pad3DConfig{}),
               .samples = {{3, 2, 4, 5}},
               .output = {3, 4, 6, 7}});
}

TEST(Layer, pools_and_pads_name_themselves) {
  EXPECT_EQ(message_of<ShapeError>([] {
              MaxPool3D()(input({3, 8, 8}));
            }),
            "[max_pool3d] needs an input [N,C,D,H,W], got f32[N,3,8,8]");
  EXPECT_EQ(message_of<ShapeError>([] {
              GlobalMaxPool1D({.name = "top"})(input({3, 8, 8}));
            }),
            "[global_max_pool1d top] needs an input [N,C,L], got f32[N,3,8,8]");
  EXPECT_EQ(message_of<ShapeError>([] {
              ReflectionPad2D({.before = 3})(input({3, 2, 8}));
            }),
            "[reflection_pad2d] dimension 2 of [N,3,2,8] is too small to be reflected by 3: at most 1");
  EXPECT_EQ(message_of<UsageError>([] { MaxPool1D({.size = 2, .stride = 0}); }),
            "MaxPool1D: stride must be at least 1, got 0");
  EXPECT_EQ(message_of<UsageError>([] {
              AdaptiveMaxPool2D({.size = {1, 0}});
            }),
            "AdaptiveMaxPool2D: size must be at least 1, got 0");
  EXPECT_EQ(message_of<UsageError>([] { ZeroPad2D({.before = {1, -1}}); }), "ZeroPad2D: can't pad by -1");
}

}  // namespace
}  // namespace ocellus::nn
