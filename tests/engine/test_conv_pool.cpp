#include <gmock/gmock.h>

#include <set>

#include <ocellus/backend/backends.h>
#include <ocellus/engine/program.h>
#include <ocellus/ops/conv_pool.h>
#include <ocellus/ops/reduce.h>

#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;

BuildFn pooled(ops::ConvPoolConfig config, bool bias = true) {
  return [=](const Values& in) { return Values{ops::conv_pool(in[0], in[1], bias ? in[2] : Value(), config)}; };
}

/// The gradients, used forwards, with the positions that the operator itself gives.
BuildFn backward_data(Window window) {
  return [=](const Values& in) {
    const Value y = ops::conv_pool(in[0], in[1], {}, {.window = window});
    ConvPoolBackwardData op;
    op.window = window;
    op.input = spatial(in[0].shape());
    return Values{apply(std::move(op), {in[2], Value(y.node_ptr(), 1), in[1]})};
  };
}

std::vector<OpCase> cases() {
  // Whole multiples of a small number in x and a single tap keep the elements of a window apart.
  const OpInput image = batch_of({2, 3, 8, 6}, distinct()), kernel = fixed({4, 3, 3, 3}), bias = fixed({4});
  return {
      {"one_tap", pooled({}), {batch_of({2, 1, 8, 6}, distinct()), fixed({3, 1, 1, 1}, off_zero()), fixed({3})}},
      {"same", pooled({.window = {.padding = same}}), {image, kernel, bias}},
      {"relu", pooled({.window = {.padding = same}, .activation = relu}), {image, kernel, bias}},
      {"leaky_relu", pooled({.window = {.padding = same}, .activation = leaky_relu(0.1)}), {image, kernel, bias}},
      {"no_bias", pooled({}, false), {image, kernel}},
      {"frozen_weights", pooled({}), {image, still(kernel), bias}},
      {"odd_sizes", pooled({}), {batch_of({2, 2, 7, 9}, distinct()), fixed({3, 2, 3, 3}), fixed({3})}},
      {"stride_2", pooled({.window = {.stride = {2}, .padding = same}}), {image, kernel, bias}},
      {"vectors_of_samples",
       pooled({.window = {.padding = same}, .activation = relu}),
       {batch_of({32, 1, 6, 6}, distinct()), fixed({3, 1, 1, 1}, off_zero()), fixed({3})}},
      {"backward_data", backward_data({.padding = same}), {still(image), still(kernel), still(batch_of({2, 4, 4, 3}))}},
  };
}

TensorType f32(Shape shape) { return {DType::f32, shape}; }

std::vector<Refused> refused() {
  return {
      {"activation",
       pooled({.activation = tanh_}, false),
       {f32({1, 3, 8, 8}), f32({4, 3, 3, 3})},
       "[conv_pool] is for linear, relu and leaky relu"},
      {"rank", pooled({}, false), {f32({1, 3, 8}), f32({4, 3, 3})}, "[conv_pool] input must be [N,C,H,W], got [1,3,8]"},
      {"channels",
       pooled({}, false),
       {f32({1, 3, 8, 8}), f32({4, 2, 3, 3})},
       "[conv_pool] weight [4,2,3,3] expects 2 input channels, got input [1,3,8,8]"},
      {"nothing_to_pool",
       pooled({}, false),
       {f32({1, 3, 3, 3}), f32({4, 3, 3, 3})},
       "[conv_pool] kernel [2,2] with dilation [1,1] does not fit into input [1,1] with padding [0,0] and [0,0]"},
  };
}

OP_CHECK(ConvPool, cases(), refused());

// In training a pooling that halves a convolution is taken over by it; one that overlaps, and one in inference, is not.
TEST(ConvPoolFusion, TakesThePoolingThatHalves) {
  const Value x = input("x", {DType::f32, {32, 1, 8, 8}}), w = input("w", {DType::f32, {3, 1, 3, 3}});
  const auto operators = [&](int64_t kernel, bool training) {
    const Value y = ops::conv(x, w, {}, {.window = {.padding = same}});
    const Value pooled = ops::max_pool(ops::activation(y, relu), {.kernel = {kernel}, .window = {.stride = {2}}});
    const Value loss = ops::reduce_sum(pooled);
    Graph graph{.inputs = {x, w}, .outputs = {loss}, .updates = {}};
    ProgramSpec spec{.graph = graph, .inputs = {x.type(), w.type()}};
    if (training) spec.wrt = {w};
    const BackendPtr backend = make_backend("reference");
    std::set<std::string> names;
    // Without decomposition, which the reference asks for, what was fused can be seen.
    for (const StepReport& s : compile(spec, *backend, {.skip = {Pass::decompose}}).report()) names.insert(s.op);
    return names;
  };
  using ::testing::Contains;
  using ::testing::Not;
  EXPECT_THAT(operators(2, true), Contains("conv_pool"));
  EXPECT_THAT(operators(2, true), Contains("conv_pool_backward_weights"));
  EXPECT_THAT(operators(2, true), Not(Contains("max_pool")));
  EXPECT_THAT(operators(3, true), Contains("max_pool"));
  EXPECT_THAT(operators(2, false), Contains("max_pool"));
}

}  // namespace
}  // namespace ocellus
