// ocellus convert IN OUT

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/base/file.h>
#include <ocellus/io/format.h>
#include <ocellus/io/weights.h>

#include "common.h"
#include "verb.h"

namespace cli {
namespace {

using namespace ocellus;

struct State {
  std::string from, to, network, map, classes;
  int64_t height = 0, width = 0, units = 0;
  bool report = false, partial = false;
};

/// Lines of a text file; the rest of a line behind a class's key, as ImageNet's lists have it, stays with it.
std::vector<std::string> lines_of(const std::string& file) {
  constexpr uint64_t largest = 16 << 20;
  const std::string text = read_file(file, largest);
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) lines.push_back(std::move(line));
    begin = end + 1;
  }
  return lines;
}

/// A network of the zoo with the arrays of a file that holds no network.
Model with_weights(const State& s) {
  zoo::ZooConfig network = {.classes = s.units};
  if (s.height > 0 || s.width > 0) {
    if (s.height < 1 || s.width < 1) throw UsageError("--height and --width belong together");
    network.input = {zoo::create(s.network).graph().inputs.front().shape()[1], s.height, s.width};
  }
  io::LoadedWeights loaded = io::read_weights(s.from, s.network, {.map = s.map, .network = network});
  if (s.report) fmt::print("{}", loaded.report.text());
  if (!loaded.report.complete() && !s.partial) {
    size_t lacking = 0;
    for (const auto& p : loaded.report.parameters) lacking += !p.lack.empty();
    throw FormatError(s.from,
                      fmt::format("{} of {} parameters of {} have no array in it; --report lists them, --partial "
                                  "leaves them fresh",
                                  lacking, loaded.report.parameters.size(), s.network));
  }
  return loaded.model;
}

int convert(const State& s) {
  if (s.network.empty() && (!s.map.empty() || s.report || s.partial || s.units > 0 || s.height > 0 || s.width > 0))
    throw UsageError(
        "--map, --report, --partial, --units, --height and --width are for arrays that --as gives to a network");
  Model model = s.network.empty() ? open_model(s.from) : with_weights(s);
  if (!s.classes.empty()) model.set_class_names(lines_of(s.classes));
  io::write_model(model, s.to);
  fmt::print("{}: {} parameters in {} tensors, {} bytes\n", s.to, model.count_parameters(), model.parameters().size(),
             std::filesystem::file_size(s.to));
  return 0;
}

std::function<int()> declare(Options& options) {
  auto s = std::make_shared<State>();
  options.argument("IN", s->from, "a model file of any format that can be read, or a network of the zoo");
  options.argument("OUT", s->to, "the file to write; its ending is the format");
  options.add(
      "--as", s->network,
      "IN holds arrays alone (.safetensors, .h5): give them to this network of the zoo, by the names that other "
      "programs have for its parameters");
  options.add("--map", s->map, "with --as: a JSON file {\"layout\": ..., \"names\": {ours: theirs}} of further names");
  options.flag("--report", s->report, "with --as: print what became of each parameter and array, with shapes");
  options.flag("--partial", s->partial, "with --as: parameters without an array stay fresh instead of being an error");
  options.add("--units", s->units, "with --as: outputs of the network, where they are not the published ones");
  options.add("--height", s->height, "with --as: rows of the network's input, where they are not the published ones");
  options.add("--width", s->width, "with --as: columns");
  options.add("--classes", s->classes, "a text file with the names of the classes, one a line, to keep in OUT");
  return [s] { return convert(*s); };
}

}  // namespace

const Verb convert_verb = {"convert", "Write a model in another file format",
                           "  ocellus convert runs/mnist/best.safetensors lenet5.onnx\n"
                           "  ocellus convert mnist.onnx mnist.safetensors\n"
                           "  ocellus convert resnet18.safetensors model.safetensors --as resnet18 --report",
                           declare};

}  // namespace cli
