// "Did you mean": the known name nearest to a mistyped one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ocellus {

/// `; did you mean "adam"?` where one of `known` is within a third of its length of `name`, else "".
std::string did_you_mean(std::string_view name, std::span<const std::string_view> known);

/// The names, separated by commas.
std::string listed(std::span<const std::string_view> names);

}  // namespace ocellus
