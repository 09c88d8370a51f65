#include "options.h"

#include <CLI/CLI.hpp>

namespace cli {

void Options::argument(const std::string& name, std::string& target, const std::string& help) {
  app_.add_option(name, target, help)->required();
}

void Options::arguments(const std::string& name, std::vector<std::string>& target, const std::string& help, int least) {
  CLI::Option* option = app_.add_option(name, target, help);
  if (least > 0) option->required()->expected(least, -1);
}

void Options::add(const std::string& flag, std::string& target, const std::string& help, bool required) {
  CLI::Option* option = app_.add_option(flag, target, help);
  if (required)
    option->required();
  else if (!target.empty())
    option->capture_default_str();
}

void Options::add(const std::string& flag, int64_t& target, const std::string& help) {
  app_.add_option(flag, target, help)->capture_default_str();
}

void Options::add(const std::string& flag, std::optional<int64_t>& target, const std::string& help) {
  app_.add_option(flag, target, help);
}

void Options::add(const std::string& flag, std::optional<double>& target, const std::string& help) {
  app_.add_option(flag, target, help);
}

void Options::add(const std::string& flag, std::optional<std::string>& target, const std::string& help) {
  app_.add_option(flag, target, help);
}

void Options::add(const std::string& flag, std::vector<std::string>& target, const std::string& help) {
  app_.add_option(flag, target, help);
}

void Options::flag(const std::string& flag, bool& target, const std::string& help) {
  app_.add_flag(flag, target, help);
}

}  // namespace cli
