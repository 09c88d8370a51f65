// The ocellus program: a table of verbs.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <ocellus/base/error.h>
#include <ocellus/base/settings.h>
#include <ocellus/base/version.h>

#include "verb.h"

namespace {

using ocellus::ExitCode;

const std::array<const cli::Verb*, 11> verbs = {&cli::train_verb,       &cli::eval_verb,     &cli::predict_verb,
                                                &cli::summary_verb,     &cli::inspect_verb,  &cli::bench_verb,
                                                &cli::info_verb,        &cli::quantize_verb, &cli::convert_verb,
                                                &cli::conformance_verb, &cli::diff_verb};

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

/// One line for a command line that can't be understood. A word that nobody asked for comes first: it is often a
/// misspelt option, and what the parser finds missing is then only its consequence.
int wrong_usage(const CLI::App& app, std::string message) {
  const auto chosen = app.get_subcommands();
  const auto unknown = app.remaining(true);
  if (!unknown.empty() && chosen.empty())
    message = fmt::format("there is no verb \"{}\"", unknown.front());
  else if (!unknown.empty())
    message = fmt::format("{} doesn't know \"{}\"", chosen.front()->get_name(), unknown.front());
  std::ranges::replace(message, '\n', ' ');
  const std::string verb = chosen.empty() ? "" : " " + chosen.front()->get_name();
  fmt::print(stderr, "ocellus: {}; see ocellus{} --help\n", message, verb);
  return static_cast<int>(ExitCode::usage);
}

/// GCC's OpenMP lets an idle thread spin for milliseconds before it sleeps. Where other programs want the cores too, a
/// step then waits for the scheduler again and again: with two of them on two cores, LeNet-5's training step took 93 ms
/// instead of 1.6. A shorter spin costs an idle machine nothing. The runtime reads it before main begins, so the
/// program starts itself again.
void shorten_openmp_waiting(char** argv) {
  if (ocellus::openmp_waiting_is_set()) return;
  ::setenv("GOMP_SPINCOUNT", "20000", 1);
  ::execv("/proc/self/exe", argv);  // where that fails, things work as before
}

}  // namespace

int main(int argc, char** argv) {
  shorten_openmp_waiting(argv);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes is an error of writing, as a full disk is
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
    if (e.get_exit_code() == 0) return app.exit(e);  // --help, --version
    return wrong_usage(app, e.what());
  }
  try {
    for (size_t i = 0; i < actions.size(); ++i)
      if (subcommands[i]->parsed()) return actions[i]();
  } catch (const std::exception& e) {
    return report(e);
  }
  return static_cast<int>(ExitCode::usage);
}
