// The table of all operators, by name: how a saved graph becomes operators again.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include <ocellus/graph/op.h>

namespace ocellus {

/// A fresh operator with default attributes, to be set by a loading visitor; throws Unsupported naming an unknown operator.
OCELLUS_API std::shared_ptr<Op> make_op(std::string_view name);
OCELLUS_API std::vector<OpEntry> all_ops();

}  // namespace ocellus
