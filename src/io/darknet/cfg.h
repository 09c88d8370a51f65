// Darknet's .cfg text: sections with options, in order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ocellus::io::darknet {

/// One `[name]` and the lines below it. Reading an option remembers nothing: what no one asks for is ignored, as darknet
/// does.
class Section {
 public:
  struct Option {
    std::string key, value;
    int64_t line;
  };

  Section(std::string name, int64_t line, std::string file)
      : name_(std::move(name)), file_(std::move(file)), line_(line) {}

  const std::string& name() const { return name_; }  ///< "convolutional", without aliases
  const std::string& file() const { return file_; }
  int64_t line() const { return line_; }
  const std::vector<Option>& options() const { return options_; }
  void add(Option option) { options_.push_back(std::move(option)); }

  bool has(std::string_view key) const { return find(key) != nullptr; }
  std::string text(std::string_view key, std::string_view otherwise) const;
  /// A whole number within the limits; throws FormatError naming line, section and key for anything else.
  struct Limits {
    int64_t otherwise = 0, least = 0, most = int64_t{1} << 24;
  };
  int64_t integer(std::string_view key, const Limits& limits) const;
  bool flag(std::string_view key, bool otherwise = false) const;
  double real(std::string_view key, double otherwise) const;
  /// Numbers with commas between them; empty when the key is missing.
  std::vector<int64_t> integers(std::string_view key) const;
  std::vector<double> reals(std::string_view key) const;

  /// Throws FormatError: `file: line 12: [route] message`.
  [[noreturn]] void fail(std::string_view message) const;

 private:
  const Option* find(std::string_view key) const;  ///< the first of that name, as darknet finds it
  [[noreturn]] void fail(const Option& option, std::string_view message) const;

  std::string name_, file_;
  int64_t line_;
  std::vector<Option> options_;
};

/// A whole file; the first section is [net].
struct Cfg {
  std::string file;  ///< as errors call it
  std::string text;
  std::vector<Section> sections;
};

/// Parses a text as darknet does: white space anywhere in a line has no meaning, lines that begin with # or ; are comments,
/// and so is what follows a #. Throws FormatError for a line that is none of these, a text that does not begin with
/// [net], one over 16 MB or 1,024 sections.
Cfg parse(std::string text, std::string file);
Cfg read_cfg(const std::filesystem::path& path);

/// Whether a text is UTF-8, as everything in a model file's metadata must be.
bool is_utf8(std::string_view text);

}  // namespace ocellus::io::darknet
