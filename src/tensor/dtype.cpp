#include <ocellus/tensor/dtype.h>

#include <array>
#include <string>

#include <ocellus/base/error.h>

namespace ocellus {
namespace {

struct Entry {
  std::string_view name;
  size_t bytes;
};
constexpr std::array<Entry, 9> entries = {
    {{"f32", 4}, {"f64", 8}, {"bf16", 2}, {"f16", 2}, {"i8", 1}, {"u8", 1}, {"i32", 4}, {"i64", 8}, {"bool", 1}}};

}  // namespace

size_t size_of(DType dtype) { return entries[static_cast<size_t>(dtype)].bytes; }

std::string_view to_string(DType dtype) { return entries[static_cast<size_t>(dtype)].name; }

DType dtype_from_string(std::string_view s) {
  for (size_t i = 0; i < entries.size(); ++i)
    if (entries[i].name == s) return static_cast<DType>(i);
  throw TypeError("unknown dtype \"" + std::string(s) + "\"");
}

}  // namespace ocellus
