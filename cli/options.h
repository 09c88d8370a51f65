// Command-line options of a verb, declared in its own file without the weight of the parser's header.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace cli {

/// Declares the options of one verb. Targets must outlive parsing; their values are the defaults that --help shows.
class Options {
 public:
  explicit Options(CLI::App& app) : app_(app) {}

  /// A required argument without a flag: "MODEL".
  void argument(const std::string& name, std::string& target, const std::string& help);
  /// Any number of arguments without a flag, at least `least`.
  void arguments(const std::string& name, std::vector<std::string>& target, const std::string& help, int least);
  void add(const std::string& flag, std::string& target, const std::string& help, bool required = false);
  void add(const std::string& flag, int64_t& target, const std::string& help);
  void add(const std::string& flag, std::optional<int64_t>& target, const std::string& help);
  void add(const std::string& flag, std::optional<double>& target, const std::string& help);
  void add(const std::string& flag, std::optional<std::string>& target, const std::string& help);
  void add(const std::string& flag, std::vector<std::string>& target, const std::string& help);
  void flag(const std::string& flag, bool& target, const std::string& help);

 private:
  CLI::App& app_;
};

}  // namespace cli
