#include <ocellus/ops/registry.h>

#include <algorithm>

namespace ocellus {

using Lister = std::span<const OpEntry> (*)();
std::span<const Lister> ops_in_listers();  // generated from the list of this folder's files

std::vector<OpEntry> all_ops() {
  std::vector<OpEntry> entries;
  for (const Lister list : ops_in_listers()) entries.insert(entries.end(), list().begin(), list().end());
  std::ranges::sort(entries, {}, &OpEntry::name);
  return entries;
}

std::shared_ptr<Op> make_op(std::string_view name) {
  for (const Lister list : ops_in_listers())
    for (const OpEntry& entry : list())
      if (entry.name == name) return entry.make();
  throw Unsupported("there is no operator \"" + std::string(name) + "\"");
}

}  // namespace ocellus
