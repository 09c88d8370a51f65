#include "ops/support/arguments.h"

#include <fmt/format.h>

namespace ocellus::detail {

std::string dim_text(int64_t dim) { return dim == any_dim ? "N" : std::to_string(dim); }

void expect_count(std::span<const TensorType> inputs, size_t count) {
  if (inputs.size() != count)
    throw ShapeError(fmt::format("takes {} input{}, got {}", count, count == 1 ? "" : "s", inputs.size()));
}

void expect_floating(std::span<const TensorType> inputs) {
  for (const TensorType& t : inputs) {
    if (!is_floating(t.dtype)) throw TypeError("takes floating inputs, got " + to_string(t));
    if (t.dtype != inputs[0].dtype)
      throw TypeError(fmt::format("inputs are of two dtypes: {} and {}", to_string(inputs[0]), to_string(t)));
  }
}

void expect_same_shape(const TensorType& a, std::string_view a_name, const TensorType& b, std::string_view b_name) {
  if (!(a.shape == b.shape))
    throw ShapeError(
        fmt::format("{} {} and {} {} must have one shape", a_name, a.shape.to_string(), b_name, b.shape.to_string()));
}

void expect_per_dimension(std::string_view what, const std::vector<int64_t>& list, const Shape& x) {
  if (list.size() != x.rank())
    throw ShapeError(fmt::format("{} [{}] needs one element for each of the {} dimensions of {}", what,
                                 fmt::join(list, ","), x.rank(), x.to_string()));
}

void expect_axis(int64_t axis, const Shape& x) {
  if (axis < 0 || axis >= static_cast<int64_t>(x.rank()))
    throw ShapeError(fmt::format("there is no dimension {} in {}", axis, x.to_string()));
}

}  // namespace ocellus::detail
