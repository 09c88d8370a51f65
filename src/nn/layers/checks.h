// Checks that the layers' configurations share.
#pragma once

#include <string_view>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/nn/extent.h>

namespace ocellus::nn {

inline void at_least_one(std::string_view layer, std::string_view what, int64_t value) {
  if (value < 1) throw UsageError(fmt::format("{}: {} must be at least 1, got {}", layer, what, value));
}

inline void at_least_one(std::string_view layer, std::string_view what, const Extent& value) {
  at_least_one(layer, what, value.height);
  at_least_one(layer, what, value.width);
}

}  // namespace ocellus::nn
