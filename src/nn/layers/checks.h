// Checks that the layers' configurations share.
#pragma once

#include <array>
#include <string_view>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/nn/extent.h>
#include <ocellus/nn/layer.h>

namespace ocellus::nn {

inline void at_least_one(std::string_view layer, std::string_view what, int64_t value) {
  if (value < 1) throw UsageError(fmt::format("{}: {} must be at least 1, got {}", layer, what, value));
}

/// Of an extent: along every dimension.
template <class E>
requires requires { E::rank; }
void at_least_one(std::string_view layer, std::string_view what, const E& value) {
  for (const int64_t dim : value.dims()) at_least_one(layer, what, dim);
}

/// "Conv2D", of "Conv" and an extent in two dimensions, followed by what comes after: "Conv2DTranspose".
template <class E>
std::string kind_of(std::string_view family, std::string_view suffix = "") {
  return fmt::format("{}{}D{}", family, E::rank, suffix);
}

/// The only input, which has `rank` spatial dimensions; throws ShapeError for another.
inline const Value& image(const Values& inputs, size_t rank) {
  constexpr std::array shapes = {"[N,C,L]", "[N,C,H,W]", "[N,C,D,H,W]"};
  const Value& x = single(inputs);
  if (x.shape().rank() != rank + 2)
    throw ShapeError(fmt::format("needs an input {}, got {}", shapes[rank - 1], to_string(x.type())));
  return x;
}

/// [first, second] followed by the sizes of an extent: the shape of a kernel.
template <class E>
Shape kernel_shape(int64_t first, int64_t second, const E& kernel) {
  std::vector<int64_t> dims = kernel.dims();
  dims.insert(dims.begin(), {first, second});
  return Shape(std::span<const int64_t>(dims));
}

}  // namespace ocellus::nn
