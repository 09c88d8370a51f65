// The ocellus program: a table of verbs.

#include <array>
#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/base/version.h>

#include "verb.h"

namespace {

using ocellus::ExitCode;

const std::array<const cli::Verb*, 7> verbs = {&cli::train_verb,   &cli::eval_verb, &cli::predict_verb,
                                               &cli::summary_verb, &cli::inspect_verb, &cli::bench_verb,
                                               &cli::info_verb};

constexpr std::string_view footer = R"(Start here:
  ocellus train lenet5 --data builtin:digits --out runs/digits
  ocellus predict runs/digits/best.safetensors digit.png
  ocellus VERB --help

Exit codes: 0 success, 1 failure, 2 wrong usage, 3 damaged file or bad data, 4 a file can't be read or written,
5 shapes or types that don't fit, 6 not supported, 7 a loss that is not finite, 130 stopped by Ctrl-C after saving)";

/// One line on standard error, and the exit code that belongs to it.
int report(const std::exception& e) {
  fmt::print(stderr, "ocellus: {}\n", e.what());
  const auto* ours = dynamic_cast<const ocellus::Error*>(&e);
  return static_cast<int>(ours != nullptr ? ours->exit_code() : ExitCode::failure);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("ocellus trains, runs and inspects convolutional networks.", "ocellus");
  app.footer(std::string(footer));
  app.set_version_flag("--version", "ocellus " OCELLUS_VERSION);
  app.require_subcommand(1);
  app.option_defaults()->always_capture_default(false);

  std::vector<std::function<int()>> actions;
  std::vector<CLI::App*> subcommands;
  for (const cli::Verb* verb : verbs) {
    CLI::App* sub = app.add_subcommand(std::string(verb->name), std::string(verb->summary));
    sub->footer("Examples:\n" + std::string(verb->examples));
    cli::Options options(*sub);
    actions.push_back(verb->declare(options));
    subcommands.push_back(sub);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int code = app.exit(e);
    return code == 0 ? 0 : static_cast<int>(ExitCode::usage);
  }
  try {
    for (size_t i = 0; i < actions.size(); ++i)
      if (subcommands[i]->parsed()) return actions[i]();
  } catch (const std::exception& e) {
    return report(e);
  }
  return static_cast<int>(ExitCode::usage);
}
