#include "io/darknet/cfg.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/base/file.h>

namespace ocellus::io::darknet {
namespace {

constexpr uint64_t most_bytes = uint64_t{16} << 20;
constexpr size_t most_sections = 1024, most_options = 1024, shown = 40;

/// Short names that darknet takes as well.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> aliases = {{{"network", "net"},
                                                                                   {"conv", "convolutional"},
                                                                                   {"conn", "connected"},
                                                                                   {"max", "maxpool"},
                                                                                   {"avg", "avgpool"},
                                                                                   {"soft", "softmax"},
                                                                                   {"reorg_old", "reorg"}}};

std::string without_spaces(std::string_view line) {
  std::string kept;
  for (const char c : line.substr(0, std::min(line.find('#'), line.size())))
    if (c != ' ' && c != '\t' && c != '\r') kept += c;
  return kept;
}

/// What errors show of a line: printable and not too long.
std::string excerpt(std::string_view text) {
  std::string kept;
  for (const char c : text.substr(0, shown)) kept += c >= ' ' && c <= '~' ? c : '?';
  return text.size() > shown ? kept + "..." : kept;
}

std::string section_name(std::string_view line) {
  const std::string_view name = line.substr(1, line.size() - 2);
  for (const auto& [alias, full] : aliases)
    if (name == alias) return std::string(full);
  return std::string(name);
}

template <class T>
bool parse_number(std::string_view text, T& value) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

/// The parts of a list; a comma at its end is no part.
std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    parts.push_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

/// Reads lines into sections.
class Parser {
 public:
  explicit Parser(Cfg& cfg) : cfg_(cfg) {}

  void line(std::string_view raw) {
    ++number_;
    if (raw.find('\0') != raw.npos) fail("holds a zero byte: this is no text");
    const std::string line = without_spaces(raw);
    if (line.empty() || line[0] == ';') return;
    if (line[0] == '[')
      section(line);
    else
      option(line);
  }

 private:
  void section(const std::string& line) {
    if (line.size() < 3 || line.back() != ']') fail(fmt::format("expected [section], got \"{}\"", excerpt(line)));
    if (cfg_.sections.size() == most_sections) fail(fmt::format("more than {} sections", most_sections));
    cfg_.sections.emplace_back(excerpt(section_name(line)), number_, cfg_.file);
    if (cfg_.sections.size() == 1 && cfg_.sections[0].name() != "net")
      fail(fmt::format("the first section is [{}], expected [net]", cfg_.sections[0].name()));
  }

  void option(const std::string& line) {
    const size_t equals = line.find('=');
    if (equals == line.npos || equals == 0) fail(fmt::format("expected key=value, got \"{}\"", excerpt(line)));
    if (cfg_.sections.empty()) fail("an option before the first section");
    if (cfg_.sections.back().options().size() == most_options)
      fail(fmt::format("more than {} options in a section", most_options));
    cfg_.sections.back().add({line.substr(0, equals), line.substr(equals + 1), number_});
  }

  [[noreturn]] void fail(std::string_view message) const {
    throw FormatError(cfg_.file, fmt::format("line {}", number_), message);
  }

  Cfg& cfg_;
  int64_t number_ = 0;
};

}  // namespace

const Section::Option* Section::find(std::string_view key) const {
  const auto it = std::ranges::find(options_, key, &Option::key);
  return it == options_.end() ? nullptr : &*it;
}

void Section::fail(std::string_view message) const {
  throw FormatError(file_, fmt::format("line {}", line_), fmt::format("[{}] {}", name_, message));
}

void Section::fail(const Option& option, std::string_view message) const {
  throw FormatError(file_, fmt::format("line {}", option.line),
                    fmt::format("[{}] {}={}: {}", name_, excerpt(option.key), excerpt(option.value), message));
}

std::string Section::text(std::string_view key, std::string_view otherwise) const {
  const Option* option = find(key);
  return option ? option->value : std::string(otherwise);
}

int64_t Section::integer(std::string_view key, const Limits& limits) const {
  const Option* option = find(key);
  if (!option) return limits.otherwise;
  int64_t value = 0;
  if (!parse_number(option->value, value)) fail(*option, "expected a whole number");
  if (value < limits.least || value > limits.most)
    fail(*option, fmt::format("must be from {} to {}", limits.least, limits.most));
  return value;
}

bool Section::flag(std::string_view key, bool otherwise) const {
  return integer(key, {.otherwise = otherwise ? 1 : 0, .least = -1, .most = 1 << 20}) != 0;
}

double Section::real(std::string_view key, double otherwise) const {
  const Option* option = find(key);
  if (!option) return otherwise;
  double value = 0;
  if (!parse_number(option->value, value) || !std::isfinite(value)) fail(*option, "expected a number");
  return value;
}

std::vector<int64_t> Section::integers(std::string_view key) const {
  std::vector<int64_t> values;
  if (const Option* option = find(key))
    for (const std::string_view part : parts_of(option->value))
      if (!parse_number(part, values.emplace_back())) fail(*option, "expected whole numbers with commas between them");
  return values;
}

std::vector<double> Section::reals(std::string_view key) const {
  std::vector<double> values;
  if (const Option* option = find(key))
    for (const std::string_view part : parts_of(option->value))
      if (!parse_number(part, values.emplace_back()) || !std::isfinite(values.back()))
        fail(*option, "expected numbers with commas between them");
  return values;
}

Cfg parse(std::string text, std::string file) {
  if (text.size() > most_bytes)
    throw FormatError(file, fmt::format("a network's text of more than {} bytes", most_bytes));
  Cfg cfg{.file = std::move(file), .text = std::move(text), .sections = {}};
  Parser parser(cfg);
  for (size_t at = 0; at < cfg.text.size();) {
    const size_t end = std::min(cfg.text.find('\n', at), cfg.text.size());
    parser.line(std::string_view(cfg.text).substr(at, end - at));
    at = end + 1;
  }
  if (cfg.sections.empty()) throw FormatError(cfg.file, "holds no section; expected [net] first");
  return cfg;
}

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const size_t more = c < 0x80                ? 0
                        : c >= 0xc2 && c < 0xe0 ? 1
                        : c >= 0xe0 && c < 0xf0 ? 2
                        : c >= 0xf0 && c < 0xf5 ? 3
                                                : 4;
    if (more == 4 || i + more >= text.size()) return false;
    for (size_t k = 0; k < more; ++k)
      if ((static_cast<unsigned char>(text[++i]) & 0xc0) != 0x80) return false;
  }
  return true;
}

Cfg read_cfg(const std::filesystem::path& path) { return parse(read_file(path, most_bytes), path.string()); }

}  // namespace ocellus::io::darknet
