#include <gtest/gtest.h>

#include <set>

#include <ocellus/backend/backends.h>
#include <ocellus/base/threads.h>
#include <ocellus/ops/conv_pool.h>

#include "backend/node_runner.h"
#include "backend/simd/loops/lane_conv.h"

namespace ocellus {
namespace {

/// Sizes of a convolution of few channels: widths that are multiples of 4, of 5 and of neither, every width of kernel.
struct Sizes {
  std::string name;
  int64_t in, out;
  std::vector<int64_t> image, kernel;
  Padding padding = valid;
  Activation activation = {};
  bool bias = true;
};
void PrintTo(const Sizes& s, std::ostream* out) { *out << s.name; }

class SmallConv : public ::testing::TestWithParam<Sizes> {
 protected:
  /// Runs it forwards and backwards for a batch, compares with the reference, and gives the kernels' names.
  static std::set<std::string> kernels(int64_t batch, bool pooled = false) {
    const Sizes& s = GetParam();
    Values inputs = {input("x", {DType::f32, {batch, s.in, s.image[0], s.image[1]}}),
                     input("w", {DType::f32, {s.out, s.in, s.kernel[0], s.kernel[1]}})};
    if (s.bias) inputs.push_back(input("b", {DType::f32, {s.out}}));
    const Value bias = s.bias ? inputs[2] : Value();
    const Value y =
        pooled ? ops::conv_pool(inputs[0], inputs[1], bias, {{.padding = s.padding}, s.activation})
               : ops::conv(inputs[0], inputs[1], bias, {.window = {.padding = s.padding}, .activation = s.activation});
    const BackendPtr backend = make_backend("onednn", {.algorithms = Algorithms::exact});
    std::set<std::string> names;
    for (const NodeReport& node : expect_agrees(*backend, inputs, {y}).nodes)
      if (node.op.starts_with("conv")) names.insert(node.kernel);
    return names;
  }
};

TEST_P(SmallConv, OddBatchesAgreeWithReference) { EXPECT_EQ(kernels(3), std::set<std::string>{"simd:small"}); }

TEST_P(SmallConv, WholeVectorsOfSamplesAgreeWithReference) {
  const bool lanes = simd::lane_conv_samples() != 0;
  EXPECT_EQ(kernels(32 * num_threads()), std::set<std::string>{lanes ? "simd:lanes" : "simd:small"});
}

TEST_P(SmallConv, PooledResultsAgreeWithReference) {
  const Sizes& s = GetParam();
  if (simd::lane_conv_samples() == 0 || s.image == s.kernel)
    return;  // no such kernel, or one pixel, which can't be halved
  EXPECT_EQ(kernels(32 * num_threads(), true), std::set<std::string>{"simd:lanes, pooled"});
}

INSTANTIATE_TEST_SUITE_P(Sizes, SmallConv,
                         ::testing::Values(Sizes{"lenet_first", 1, 6, {28, 28}, {5, 5}, same, relu},
                                           Sizes{"lenet_second", 6, 16, {14, 14}, {5, 5}},
                                           Sizes{"rows_of_ten", 5, 6, {12, 12}, {3, 3}, valid, leaky_relu(0.1)},
                                           Sizes{"one_by_one", 7, 5, {6, 9}, {1, 1}},
                                           Sizes{"seven_wide", 3, 7, {9, 11}, {7, 7}, same, relu, false},
                                           Sizes{"tall_kernel", 2, 3, {9, 8}, {5, 3}, {{1, 2}, {2, 0}}},
                                           Sizes{"flat_kernel", 4, 1, {5, 13}, {1, 7}, same},
                                           Sizes{"one_pixel", 3, 5, {3, 3}, {3, 3}},
                                           Sizes{"one_channel", 1, 1, {6, 7}, {3, 3}, same_lower}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace ocellus
