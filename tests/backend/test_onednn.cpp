#include <gmock/gmock.h>

#include <ocellus/backend/backends.h>
#include <ocellus/ops/conv.h>
#include <ocellus/ops/dense.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/norm.h>
#include <ocellus/ops/pool.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/shape.h>
#include <ocellus/ops/softmax.h>

#include "backend/node_runner.h"

namespace ocellus {
namespace {

Value f32(std::string name, Shape shape) { return input(std::move(name), {DType::f32, shape}); }

/// One network fragment: shapes of its inputs, and what is computed from them.
struct Fragment {
  std::string name;
  std::vector<Shape> inputs;
  std::function<Values(const Values&)> build;
  double tolerance = 2e-5;
};

void PrintTo(const Fragment& fragment, std::ostream* out) { *out << fragment.name; }

class OneDnn : public ::testing::TestWithParam<Fragment> {};

TEST_P(OneDnn, AgreesWithReference) {
  const Fragment& fragment = GetParam();
  for (const Algorithms algorithms : {Algorithms::exact, Algorithms::standard}) {
    const BackendPtr backend = make_backend("onednn", {.algorithms = algorithms});
    Values inputs;
    for (size_t i = 0; i < fragment.inputs.size(); ++i)
      inputs.push_back(f32("x" + std::to_string(i), fragment.inputs[i]));
    const double tolerance = algorithms == Algorithms::exact ? fragment.tolerance : std::max(fragment.tolerance, 2e-4);
    expect_agrees(*backend, inputs, fragment.build(inputs), tolerance);
  }
}

Fragment conv(std::string name, Shape x, Shape w, ops::ConvConfig config, bool bias = true) {
  std::vector<Shape> inputs = {x, w};
  if (bias) inputs.push_back({w[0]});
  return {std::move(name), inputs,
          [=](const Values& in) -> Values { return {ops::conv(in[0], in[1], bias ? in[2] : Value(), config)}; }};
}

Fragment residual(std::string name, int64_t channels, Activation activation) {
  return {std::move(name),
          {{2, channels, 9, 9}, {channels, channels, 3, 3}, {channels}, {2, channels, 9, 9}},
          [=](const Values& in) -> Values {
            Conv op;
            op.window.padding = same;
            op.bias = op.residual = true;
            op.activation = activation;
            return {apply(std::move(op), in)};
          }};
}

std::vector<Fragment> convolutions() {
  return {
      conv("one_channel", {2, 1, 28, 28}, {6, 1, 5, 5}, {.window = {.padding = same}}),
      conv("lenet_second", {3, 6, 14, 14}, {16, 6, 5, 5}, {.activation = relu}),
      conv("rgb", {2, 3, 33, 31}, {32, 3, 3, 3}, {.window = {.stride = {2}, .padding = same}}),
      conv("winograd_size", {2, 32, 16, 16}, {64, 32, 3, 3}, {.window = {.padding = same}, .activation = relu}),
      conv("odd_channels", {2, 17, 10, 10}, {19, 17, 3, 3}, {.window = {.padding = same}}),
      conv("no_bias", {2, 16, 10, 10}, {16, 16, 3, 3}, {.window = {.padding = same}}, false),
      conv("one_by_one_strided", {2, 16, 9, 9}, {32, 16, 1, 1}, {.window = {.stride = {2}}}),
      conv("dilated", {2, 16, 12, 12}, {16, 16, 3, 3}, {.window = {.dilation = {2}, .padding = same}}),
      conv("same_lower", {2, 16, 12, 11}, {16, 16, 4, 4}, {.window = {.stride = {2}, .padding = same_lower}}),
      conv("uneven_padding", {1, 8, 9, 9}, {8, 8, 3, 3}, {.window = {.padding = {{0, 2}, {3, 1}}}}),
      conv("groups", {2, 8, 9, 9}, {12, 4, 3, 3}, {.groups = 2}),
      conv("groups_of_16", {2, 32, 9, 9}, {32, 16, 3, 3}, {.window = {.padding = same}, .groups = 2}),
      conv("depthwise", {2, 32, 9, 9}, {32, 1, 3, 3}, {.window = {.padding = same}, .groups = 32}),
      conv("depthwise_doubled", {2, 6, 9, 9}, {12, 1, 3, 3}, {.groups = 6}),
      conv("signal", {2, 8, 50}, {16, 8, 7},
           {.window = {.stride = {2}, .padding = same}, .activation = leaky_relu(0.1)}),
      conv("volume", {1, 4, 6, 8, 7}, {8, 4, 3, 3, 3}, {.window = {.padding = same}, .activation = sigmoid}),
      conv("scaled_tanh", {2, 1, 12, 12}, {4, 1, 5, 5}, {.activation = scaled_tanh}),
      residual("residual", 16, linear),
      residual("residual_relu", 32, relu),
      residual("residual_odd", 7, relu),
  };
}
INSTANTIATE_TEST_SUITE_P(Conv, OneDnn, ::testing::ValuesIn(convolutions()),
                         [](const auto& info) { return info.param.name; });

Fragment pool(std::string name, Shape x, ops::PoolConfig config, bool average) {
  return {std::move(name), {x}, [=](const Values& in) -> Values {
            return {average ? ops::average_pool(in[0], config) : ops::max_pool(in[0], config)};
          }};
}

/// A convolution in front, so that values arrive in blocks of channels.
Fragment after_conv(std::string name, int64_t channels, std::function<Value(const Value&)> then) {
  return {std::move(name), {{2, channels, 11, 11}, {channels, channels, 3, 3}}, [=](const Values& in) -> Values {
            return {then(ops::conv(in[0], in[1], {}, {.window = {.padding = same}}))};
          }};
}

std::vector<Fragment> pools() {
  const auto max2 = [](const Value& x) { return ops::max_pool(x, {.kernel = {2}, .window = {.stride = {2}}}); };
  const auto average3 = [](const Value& x) {
    return ops::average_pool(x, {.kernel = {3}, .window = {.stride = {2}, .padding = Padding(1)}});
  };
  const auto global = [](const Value& x) { return ops::global_average_pool(x); };
  return {
      pool("max", {2, 3, 8, 8}, {.kernel = {2}, .window = {.stride = {2}}}, false),
      pool("max_overlapping", {2, 16, 9, 9}, {.kernel = {3}, .window = {.stride = {2}, .padding = Padding(1)}}, false),
      pool("max_ceil", {2, 5, 8, 8}, {.kernel = {3}, .window = {.stride = {2}}, .ceil_mode = true}, false),
      pool("max_signal", {2, 4, 21}, {.kernel = {2}, .window = {.stride = {2}}}, false),
      pool("max_volume", {1, 4, 6, 6, 4}, {.kernel = {2}, .window = {.stride = {2}}}, false),
      pool("average", {2, 3, 8, 8}, {.kernel = {2}, .window = {.stride = {2}}}, true),
      pool("average_padded", {2, 16, 9, 9}, {.kernel = {3}, .window = {.stride = {2}, .padding = Padding(1)}}, true),
      pool("average_counting_padding", {2, 16, 9, 9},
           {.kernel = {3}, .window = {.stride = {2}, .padding = Padding(1)}, .count_include_pad = true}, true),
      pool("average_ceil", {2, 5, 8, 8}, {.kernel = {3}, .window = {.stride = {2}}, .ceil_mode = true}, true),
      after_conv("max_in_blocks", 32, max2),
      after_conv("max_in_padded_blocks", 19, max2),
      after_conv("average_in_blocks", 32, average3),
      after_conv("average_in_padded_blocks", 19, average3),
      after_conv("global_average", 32, global),
      after_conv("global_average_padded", 19, global),
  };
}
INSTANTIATE_TEST_SUITE_P(Pool, OneDnn, ::testing::ValuesIn(pools()), [](const auto& info) { return info.param.name; });

Fragment norm(std::string name, Shape x, Activation activation) {
  const int64_t c = x[1];
  return {std::move(name), {x, {c}, {c}}, [=](const Values& in) -> Values {
            BatchNormTrain op;
            op.activation = activation;
            Values all = emit(std::make_shared<const BatchNormTrain>(op), in);
            all.resize(3);  // the mask has a form of its own
            return all;
          }};
}

Fragment frozen_norm(std::string name, Shape x, Activation activation) {
  const int64_t c = x[1];
  return {std::move(name), {x, {c}, {c}}, [=](const Values& in) -> Values {
            BatchNormInference op;
            op.activation = activation;
            Tensor variance = Tensor::full(DType::f32, {c}, 0.5);
            return {apply(op, {in[0], in[1], in[2], constant(random_tensor({c}, 50)), constant(variance)})};
          }};
}

Fragment dense(std::string name, int64_t batch, int64_t in_features, int64_t out_features, Activation activation) {
  return {std::move(name),
          {{batch, in_features}, {out_features, in_features}, {out_features}},
          [=](const Values& in) -> Values { return {ops::dense(in[0], in[1], in[2], activation)}; }};
}

std::vector<Fragment> layers() {
  return {
      norm("batch_norm", {4, 3, 6, 5}, linear),
      norm("batch_norm_relu", {4, 32, 6, 5}, relu),
      norm("batch_norm_relu_plain", {4, 5, 6, 5}, relu),
      norm("batch_norm_of_features", {16, 10}, linear),
      frozen_norm("frozen", {2, 16, 5, 5}, linear),
      frozen_norm("frozen_relu", {2, 5, 5, 5}, relu),
      frozen_norm("frozen_leaky", {2, 5, 5, 5}, leaky_relu(0.1)),
      after_conv("batch_norm_in_padded_blocks", 19,
                 [](const Value& x) {
                   BatchNormTrain op;
                   op.activation = relu;
                   return apply(op, {x, constant(random_tensor({19}, 60)), constant(random_tensor({19}, 61))});
                 }),
      dense("dense", 8, 50, 20, linear),
      dense("dense_one", 1, 400, 120, relu),
      dense("dense_tanh", 5, 84, 10, scaled_tanh),
      dense("dense_wide", 32, 256, 128, sigmoid),
      {"softmax", {{4, 10}}, [](const Values& in) -> Values { return {ops::softmax(in[0])}; }},
      {"softmax_of_maps", {{2, 5, 4, 4}}, [](const Values& in) -> Values { return {ops::softmax(in[0])}; }},
      {"log_softmax", {{4, 10}}, [](const Values& in) -> Values { return {ops::log_softmax(in[0])}; }},
  };
}
INSTANTIATE_TEST_SUITE_P(Layer, OneDnn, ::testing::ValuesIn(layers()),
                         [](const auto& info) { return info.param.name; });

Fragment activated(std::string name, Activation activation) {
  return after_conv(std::move(name), 19, [=](const Value& x) { return ops::activation(x, activation); });
}

std::vector<Fragment> arithmetic() {
  const auto two = [](Shape a, Shape b) { return std::vector<Shape>{a, b}; };
  return {
      activated("relu", relu),
      activated("leaky", leaky_relu(0.3)),
      activated("sigmoid", sigmoid),
      activated("tanh", tanh_),
      {"add", two({2, 3, 4}, {2, 3, 4}), [](const Values& in) -> Values { return {ops::add(in[0], in[1])}; }},
      {"sub", two({2, 3, 4}, {2, 3, 4}), [](const Values& in) -> Values { return {ops::sub(in[0], in[1])}; }},
      {"mul", two({2, 3}, {2, 3}), [](const Values& in) -> Values { return {ops::mul(in[0], in[1])}; }},
      {"max", two({2, 3, 4}, {2, 3, 4}), [](const Values& in) -> Values { return {ops::max(in[0], in[1])}; }},
      {"add_n", {{2, 5}, {2, 5}, {2, 5}}, [](const Values& in) -> Values { return {add_n(in)}; }},
      after_conv("sum_of_blocks", 19, [](const Value& x) { return ops::add(ops::activation(x, relu), x); }),
      {"concat", two({2, 3, 4}, {2, 5, 4}), [](const Values& in) -> Values { return {ops::concat(in, 1)}; }},
      after_conv("concat_of_blocks", 16,
                 [](const Value& x) {
                   return ops::concat({x, ops::activation(x, relu)}, 1);
                 }),
      after_conv("concat_of_padded_blocks", 19,
                 [](const Value& x) {
                   return ops::concat({x, ops::activation(x, relu)}, 1);
                 }),
      {"transpose",
       {{2, 3, 4}},
       [](const Values& in) -> Values {
         return {ops::transpose(in[0], {2, 0, 1})};
       }},
      after_conv("transpose_of_blocks", 19,
                 [](const Value& x) {
                   return ops::transpose(x, {0, 2, 3, 1});
                 }),
  };
}
INSTANTIATE_TEST_SUITE_P(Arithmetic, OneDnn, ::testing::ValuesIn(arithmetic()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace ocellus
