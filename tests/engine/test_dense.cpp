#include <ocellus/ops/dense.h>
#include <ocellus/ops/unary.h>

#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;

BuildFn dense(Activation activation = {}) {
  return
      [=](const Values& in) { return Values{ops::dense(in[0], in[1], in.size() > 2 ? in[2] : Value(), activation)}; };
}

std::vector<OpCase> cases() {
  const OpInput x = batch_of({3, 7}), w = fixed({5, 7}), b = fixed({5});
  return {
      {"bias", dense(), {x, w, b}},
      {"no_bias", dense(), {x, w}},
      {"frozen", dense(), {x, still(w), still(b)}},
      {"only_bias_learns", dense(), {still(x), still(w), b}},
      {"relu", dense(relu), {x, w, b}},
      {"tanh", dense(tanh_), {x, w, b}},
      {"clip", dense(*activation_of(relu6)), {x, w, b}},
      {"gelu", dense(*activation_of(gelu)), {still(x), still(w), still(b)}},
      {"hard_swish", dense(*activation_of(hard_swish)), {still(x), still(w), still(b)}},
      {"one_by_one", dense(sigmoid), {batch_of({1, 1}), fixed({1, 1}), fixed({1})}},
      {"wide", dense(), {batch_of({4, 130}), fixed({67, 130}), fixed({67})}},
  };
}

TensorType f32(Shape shape) { return {DType::f32, shape}; }

std::vector<Refused> refused() {
  return {
      {"features",
       dense(),
       {f32({any_dim, 400}), f32({120, 256})},
       "[dense] weight [120,256] expects 256 input features, got input [N,400]"},
      {"image", dense(), {f32({2, 3, 4, 4}), f32({5, 48})}, "[dense] input must be a matrix, got [2,3,4,4]"},
      {"weight_rank", dense(), {f32({2, 48}), f32({48})}, "[dense] weight must be a matrix, got [48]"},
      {"bias", dense(), {f32({2, 7}), f32({5, 7}), f32({7})}, "[dense] bias must be [5], got [7]"},
      {"integers", dense(), {{DType::i64, {2, 7}}, f32({5, 7})}, "[dense] input must be floating-point, got i64[2,7]"},
  };
}

OP_CHECK(Dense, cases(), refused());

}  // namespace
}  // namespace ocellus
