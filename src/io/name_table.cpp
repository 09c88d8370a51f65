#include "io/name_table.h"

#include <cctype>
#include <charconv>
#include <map>
#include <optional>

namespace ocellus::io::naming {
namespace {

using Numbers = std::map<char, int64_t>;

bool digit(std::string_view text, size_t at) {
  return at < text.size() && std::isdigit(static_cast<unsigned char>(text[at]));
}

/// The numbers in `text` where it has the form of `pattern`.
std::optional<Numbers> matched(std::string_view pattern, std::string_view text) {
  Numbers numbers;
  size_t at = 0;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '{') {
      if (at >= text.size() || text[at++] != pattern[i]) return std::nullopt;
      continue;
    }
    if (!digit(text, at)) return std::nullopt;
    size_t end = at;
    while (digit(text, end)) ++end;
    std::from_chars(text.data() + at, text.data() + end, numbers[pattern[i + 1]]);
    at = end;
    i += 2;  // the letter and the closing brace
  }
  if (at != text.size()) return std::nullopt;
  return numbers;
}

/// The value of "2*a+b-1".
int64_t computed(std::string_view sum, const Numbers& numbers) {
  int64_t total = 0;
  for (size_t i = 0; i < sum.size();) {
    int64_t term = 1;
    if (sum[i] == '-') term = -1;
    if (sum[i] == '-' || sum[i] == '+') ++i;
    while (i < sum.size() && sum[i] != '+' && sum[i] != '-') {
      if (digit(sum, i)) {
        int64_t factor = 0;
        i = static_cast<size_t>(std::from_chars(sum.data() + i, sum.data() + sum.size(), factor).ptr - sum.data());
        term *= factor;
      } else {
        if (sum[i] != '*') term *= numbers.at(sum[i]);
        ++i;
      }
    }
    total += term;
  }
  return total;
}

std::string filled(std::string_view pattern, const Numbers& numbers) {
  std::string text;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '{') {
      text += pattern[i];
      continue;
    }
    const size_t end = pattern.find('}', i);
    text += std::to_string(computed(pattern.substr(i + 1, end - i - 1), numbers));
    i = end;
  }
  return text;
}

}  // namespace

std::vector<std::string> names_for(const NameTable& table, const std::string& layer, const std::string& kind) {
  std::vector<std::string> names;
  for (const NameRow& row : table.rows) {
    const auto numbers = matched(row.ours, table.suffixes.empty() ? layer + "/" + kind : layer);
    if (!numbers) continue;
    const std::string theirs = filled(row.theirs, *numbers);
    if (table.suffixes.empty()) names.push_back(theirs);
    for (const NameSuffix& suffix : table.suffixes)
      if (suffix.ours == kind) names.push_back(theirs + std::string(suffix.theirs));
  }
  return names;
}

bool is_ones(const NameTable& table, const std::string& layer, const std::string& kind) {
  for (const NameRow& row : table.rows)
    if (!row.ones.empty() && row.ones == kind && matched(row.ours, layer)) return true;
  return false;
}

}  // namespace ocellus::io::naming
