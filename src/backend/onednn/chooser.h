// Choices among algorithms that are made by measuring, once, and remembered.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace ocellus::onednn {

/// Remembers the fastest of several candidates for each key: a text of everything that the answer depends on.
class AlgorithmChooser {
 public:
  /// Starts with what the cache file holds, if there is a path, a file, and nothing wrong with it.
  explicit AlgorithmChooser(std::filesystem::path cache);
  /// Adds what this process measured to the cache file; a file that can't be written is no error.
  ~AlgorithmChooser();
  AlgorithmChooser(const AlgorithmChooser&) = delete;
  AlgorithmChooser& operator=(const AlgorithmChooser&) = delete;

  /// Index of the candidate that was remembered for `key`, or else of the one for which `seconds` is least; the first one
  /// wins near ties.
  size_t choose(const std::string& key, std::span<const std::string_view> names,
                const std::function<double(size_t)>& seconds);

  /// The choices as lines of "key = candidate", sorted by key.
  std::string text() const;
  /// Takes over choices; throws FormatError naming the first line that is not one.
  void restore(std::string_view text);

 private:
  using Choices = std::map<std::string, std::string, std::less<>>;
  static Choices parse(std::string_view text);
  static std::string print(const Choices& choices);
  Choices cached() const;

  std::filesystem::path cache_;
  Choices choices_;
  bool measured_ = false;
};

}  // namespace ocellus::onednn
