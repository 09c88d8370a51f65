// A verb of the program: `ocellus VERB ...`. Each lives in verb_<name>.cpp; main.cpp holds the table.
#pragma once

#include <functional>
#include <string_view>

#include "options.h"

namespace cli {

struct Verb {
  std::string_view name;
  std::string_view summary;   ///< one line, for the list of verbs
  std::string_view examples;  ///< shown at the end of its help
  /// Declares the options and gives what to do once they are parsed. The result is the exit code.
  std::function<int()> (*declare)(Options& options);
};

extern const Verb train_verb, eval_verb, predict_verb, summary_verb, inspect_verb, info_verb, bench_verb,
    quantize_verb, convert_verb, conformance_verb, diff_verb;

}  // namespace cli
