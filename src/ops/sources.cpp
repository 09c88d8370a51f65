// The graph's own operators, entered in the table with the others. A parameter is not: it belongs to its process.
#include <ocellus/graph/parameter.h>

namespace ocellus {

std::span<const OpEntry> ops_in_sources() {
  static const OpEntry entries[] = {op_entry<InputOp>(), op_entry<ConstantOp>(), op_entry<AddN>()};
  return entries;
}

}  // namespace ocellus
