#include <gmock/gmock.h>

#include <ocellus/ops/pool.h>
#include <ocellus/ops/quantize.h>
#include <ocellus/ops/shape.h>

#include "engine/evaluated.h"
#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;

/// Real numbers from whatever an operator leaves, so that cases with bytes are compared too.
Value shown(const Value& y, double scale) { return y.dtype() == DType::f32 ? y : ops::dequantize(y, scale); }

Fill bytes(int low, int high) {
  return [=](Tensor& t, Rng& rng) {
    for (int64_t i = 0; i < t.numel(); ++i) {
      const int v = low + static_cast<int>(rng.below(static_cast<uint64_t>(high - low + 1)));
      static_cast<uint8_t*>(t.data())[i] = static_cast<uint8_t>(v);
    }
  };
}

OpInput u8(Shape shape) {
  OpInput in = batch_of(shape, bytes(0, 255));
  in.dtype = DType::u8;
  return still(in);
}

OpInput i8(Shape shape, int largest = 127) {
  OpInput in = batch_of(shape, bytes(-largest, largest));
  in.dtype = DType::i8;
  return still(in);
}

OpInput weights(Shape shape) {
  OpInput in = i8(shape);
  in.batch = false;
  return in;
}

/// Inputs of products: x, weights, then a bias if there is one, then a residual; multipliers are constants of the case.
template <class Op>
BuildFn products(Op op, double multiplier = 1.0 / 4096) {
  return [=](const Values& in) {
    const int64_t channels = in[1].shape()[0];
    Tensor m(DType::f32, {channels});
    for (int64_t k = 0; k < channels; ++k)
      m.as<float>()[static_cast<size_t>(k)] = static_cast<float>(multiplier * (1 + 0.37 * static_cast<double>(k % 5)));
    Values arguments = {in[0], in[1], constant(m)};
    arguments.insert(arguments.end(), in.begin() + 2, in.end());
    return Values{shown(apply(op, arguments), op.scale)};
  };
}

struct Finish {
  bool bias = true, residual = false;
  Activation activation = {};
  DType dtype = DType::f32;
  double scale = 1;
};

template <class Op>
Op finished(Op op, const Finish& f) {
  op.bias = f.bias;
  op.residual = f.residual;
  op.activation = f.activation;
  op.dtype = f.dtype;
  op.scale = f.scale;
  op.residual_scale = f.residual && f.dtype != DType::f32 ? 0.0213 : 1;
  return op;
}

QuantizedConv conv(const Finish& f = {}, int64_t groups = 1, int64_t stride = 1) {
  QuantizedConv op;
  op.window = {.stride = {stride}, .padding = Padding(1)};
  op.groups = groups;
  return finished(op, f);
}

QuantizedDense dense(const Finish& f = {}) { return finished(QuantizedDense(), f); }

/// Sums of bytes are exact, so real results are off by roundings of f32 alone, and bytes by one where such a rounding decides
/// between two of them.
OpCase stepped(OpCase c, int most = 127) {
  c.tolerance = 1.01 / most;
  return c;
}

std::vector<OpCase> cases() {
  return {
      stepped({"quantize_u8",
               [](const Values& in) { return Values{shown(ops::quantize(in[0], DType::u8, 0.01), 0.01)}; },
               {still(batch_of({2, 3, 5, 4}, uniform(-1, 4)))}},
              255),
      stepped({"quantize_i8",
               [](const Values& in) { return Values{shown(ops::quantize(in[0], DType::i8, 0.02), 0.02)}; },
               {still(batch_of({2, 35}, uniform(-4, 4)))}}),
      {"dequantize", [](const Values& in) { return Values{ops::dequantize(in[0], 0.25)}; }, {u8({2, 3, 4, 4})}},
      stepped({"weights",
               [](const Values& in) { return Values{ops::dequantize(ops::quantize_weights(in[0], in[1]), 0.01)}; },
               {still(fixed({6, 3, 2, 2})), still(fixed({6}, uniform(0.008, 0.02)))}}),
      {"max_pool",
       [](const Values& in) { return Values{ops::dequantize(ops::max_pool(in[0], {.kernel = {2}}), 0.5)}; },
       {u8({2, 16, 6, 6})}},
      {"max_pool_signed",
       [](const Values& in) { return Values{ops::dequantize(ops::max_pool(in[0], {.kernel = {3}}), 0.5)}; },
       {i8({2, 5, 7, 9})}},
      {"concat",
       [](const Values& in) {
         return Values{ops::dequantize(ops::concat({in[0], in[1]}, 1), 0.5)};
       },
       {u8({2, 3, 4, 4}), u8({2, 5, 4, 4})}},
  };
}

std::vector<OpCase> products_of_bytes() {
  const OpInput b = still(fixed({16}, uniform(-500, 500))), x = u8({2, 8, 6, 5}), w = weights({16, 8, 3, 3});
  const OpInput signed_x = i8({2, 8, 6, 5});
  return {
      {"conv", products(conv()), {x, w, b}},
      {"conv_without_bias", products(conv({.bias = false})), {x, w}},
      {"conv_signed", products(conv()), {signed_x, w, b}},
      {"conv_strided_relu", products(conv({.activation = relu}, 1, 2)), {x, w, b}},
      {"conv_sigmoid", products(conv({.activation = sigmoid}), 1e-5), {x, w, b}},
      {"conv_groups", products(conv({}, 4)), {x, weights({16, 2, 3, 3}), b}},
      {"conv_depthwise", products(conv({}, 8)), {x, weights({16, 1, 3, 3}), b}},
      {"conv_residual",
       products(conv({.residual = true, .activation = relu})),
       {x, w, b, still(batch_of({2, 16, 6, 5}, uniform(-9, 9)))}},
      {"conv_one_dimension", products(conv()), {u8({2, 4, 9}), weights({16, 4, 3}), b}},
      {"conv_three_dimensions", products(conv()), {u8({1, 3, 4, 4, 5}), weights({16, 3, 3, 3, 3}), b}},
      stepped({"conv_to_u8", products(conv({.activation = relu, .dtype = DType::u8, .scale = 0.31})), {x, w, b}}, 255),
      stepped({"conv_to_i8", products(conv({.dtype = DType::i8, .scale = 0.37})), {x, w, b}}),
      stepped({"conv_leaky_to_i8",
               products(conv({.activation = leaky_relu(0.1), .dtype = DType::i8, .scale = 0.37})),
               {x, w, b}}),
      stepped({"conv_tanh_to_i8",
               products(conv({.activation = scaled_tanh, .dtype = DType::i8, .scale = 0.013}), 1e-5),
               {x, w, b}}),
      stepped({"conv_residual_u8",
               products(conv({.residual = true, .activation = relu, .dtype = DType::u8, .scale = 0.31})),
               {x, w, b, u8({2, 16, 6, 5})}},
              255),
      stepped({"conv_residual_i8_to_u8",
               products(conv({.residual = true, .activation = relu, .dtype = DType::u8, .scale = 0.31})),
               {x, w, b, i8({2, 16, 6, 5})}},
              255),
      {"dense", products(dense()), {u8({3, 40}), weights({16, 40}), b}},
      {"dense_signed_relu", products(dense({.activation = relu})), {i8({3, 40}), weights({16, 40}), b}},
      stepped({"dense_to_u8",
               products(dense({.activation = relu, .dtype = DType::u8, .scale = 0.29})),
               {u8({3, 40}), weights({16, 40}), b}},
              255),
      {"multipliers_that_are_no_constants",
       [](const Values& in) {
         return Values{apply(dense({.bias = false}), {in[0], in[1], in[2]})};
       },
       {u8({2, 12}), weights({5, 12}), still(fixed({5}, uniform(0.001, 0.002)))}},
  };
}

std::vector<Refused> refused() {
  const TensorType x = {DType::u8, {any_dim, 8, 6, 6}}, w = {DType::i8, {16, 8, 3, 3}}, m = {DType::f32, {16}};
  const auto as = [](auto op) { return [=](const Values& in) { return Values{apply(op, in)}; }; };
  const auto quantize = [](DType dtype, double scale) {
    return [=](const Values& in) { return Values{ops::quantize(in[0], dtype, scale)}; };
  };
  return {
      {"quantize_integers", quantize(DType::u8, 1), {{DType::i32, {3}}}, "[quantize] input must be f32, got i32[3]"},
      {"quantize_to_i32",
       quantize(DType::i32, 1),
       {{DType::f32, {3}}},
       "[quantize] the result must be i8 or u8, got i32"},
      {"no_scale", quantize(DType::u8, 0), {{DType::f32, {3}}}, "a scale must be positive and finite, got 0.000000"},
      {"real_input",
       as(conv({.bias = false})),
       {{DType::f32, {1, 8, 6, 6}}, w, m},
       "[quantized_conv] input must be i8 or u8, got f32"},
      {"unsigned_weights",
       as(conv({.bias = false})),
       {x, {DType::u8, {16, 8, 3, 3}}, m},
       "[quantized_conv] weight must be i8, got u8[16,8,3,3]"},
      {"channels",
       as(conv({.bias = false})),
       {{DType::u8, {1, 4, 6, 6}}, w, m},
       "[quantized_conv] weight [16,8,3,3] expects 8 input channels, got input [1,4,6,6]"},
      {"multipliers",
       as(conv({.bias = false})),
       {x, w, {DType::f32, {8}}},
       "[quantized_conv] multipliers must be [16], got [8]"},
      {"output_of_integers",
       as(conv({.bias = false, .dtype = DType::i32})),
       {x, w, m},
       "[quantized_conv] an output that is not f32 must be i8 or u8, got i32"},
      {"real_residual",
       as(conv({.bias = false, .residual = true, .dtype = DType::u8})),
       {x, w, m, {DType::f32, {any_dim, 16, 6, 6}}},
       "[quantized_conv] a residual of f32[N,16,6,6] can't be added to an output of u8"},
      {"residual_shape",
       as(conv({.bias = false, .residual = true})),
       {x, w, m, {DType::f32, {any_dim, 8, 6, 6}}},
       "[quantized_conv] residual must be [N,16,6,6], got [N,8,6,6]"},
      {"scales",
       [](const Values& in) { return Values{ops::quantize_weights(in[0], in[1])}; },
       {{DType::f32, {4, 3}}, {DType::f32, {3}}},
       "[quantize_weights] scales must be [4], got [3]"},
  };
}

OP_CHECK(Quantize, cases(), refused());
INSTANTIATE_TEST_SUITE_P(QuantizedProducts, OpCheck, ::testing::ValuesIn(products_of_bytes()),
                         [](const auto& i) { return i.param.name; });

}  // namespace
}  // namespace ocellus
