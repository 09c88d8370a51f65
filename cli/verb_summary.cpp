// ocellus summary MODEL

#include <fmt/format.h>

#include <ocellus/base/settings.h>

#include "common.h"
#include "verb.h"

namespace cli {
namespace {

std::function<int()> declare(Options& options) {
  struct State {
    std::string model;
    int64_t classes = 0;
    ocellus::SummaryConfig config;
  };
  auto s = std::make_shared<State>();
  options.argument("MODEL", s->model, "a network of the zoo, or a saved model");
  options.flag("--costs", s->config.costs, "multiply-accumulates and activation bytes of each layer as well");
  options.flag("--channels-first", s->config.channels_first,
               "shapes as (channels, height, width); the default if the settings say channels_first");
  options.add("--classes", s->classes, "outputs of a network of the zoo; 0: as published");
  return [s] {
    if (ocellus::load_settings().image_data_format.value == "channels_first") s->config.channels_first = true;
    fmt::print("{}", open_model(s->model, s->classes).summary(s->config));
    return 0;
  };
}

}  // namespace

const Verb summary_verb = {"summary", "Print a network's layers, shapes and parameters",
                           "  ocellus summary lenet5-notes\n"
                           "  ocellus summary resnet20 --costs\n"
                           "  ocellus summary runs/mnist/best.safetensors",
                           declare};

}  // namespace cli
