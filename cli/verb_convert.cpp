// ocellus convert IN OUT

#include <fmt/format.h>

#include <ocellus/io/format.h>

#include "common.h"
#include "verb.h"

namespace cli {
namespace {

using namespace ocellus;

int convert(const std::string& from, const std::string& to) {
  const Model model = open_model(from);
  io::write_model(model, to);
  fmt::print("{}: {} parameters in {} tensors, {} bytes\n", to, model.count_parameters(), model.parameters().size(),
             std::filesystem::file_size(to));
  return 0;
}

std::function<int()> declare(Options& options) {
  struct State {
    std::string from, to;
  };
  auto s = std::make_shared<State>();
  options.argument("IN", s->from, "a model file of any format that can be read, or a network of the zoo");
  options.argument("OUT", s->to, "the file to write; its ending is the format");
  return [s] { return convert(s->from, s->to); };
}

}  // namespace

const Verb convert_verb = {"convert", "Write a model in another file format",
                           "  ocellus convert runs/mnist/best.safetensors lenet5.onnx\n"
                           "  ocellus convert mnist.onnx mnist.safetensors",
                           declare};

}  // namespace cli
