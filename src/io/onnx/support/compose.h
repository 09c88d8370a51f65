// Functions that the engine has no operator for, made of those it has.
#pragma once

#include <vector>

#include <ocellus/graph/parameter.h>

namespace ocellus::io::onnx_io {

inline Value number(double x) { return ocellus::constant(Tensor::scalar(static_cast<float>(x))); }

/// The largest whole number that is not above x.
Value floor(const Value& x);
/// The nearest whole number, of two the even one.
Value round_to_even(const Value& x);
/// x under another shape, whose first dimension may be the open batch that x has; throws Unsupported for one elsewhere.
Value reshaped(const Value& x, std::vector<int64_t> dims);

}  // namespace ocellus::io::onnx_io
