// ocellus diff A B: the first layer where two models part, and by how much.

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ocellus/base/error.h>
#include <ocellus/base/rng.h>
#include <ocellus/io/diff.h>
#include <ocellus/tensor/npy.h>

#include "common.h"
#include "verb.h"

namespace cli {
namespace {

using namespace ocellus;

struct State {
  std::string first, second;
  std::vector<std::string> inputs;
  std::optional<double> tolerance;
  bool json = false, all = false;
  Machine machine;
};

/// One tensor for each of a model's inputs: an array as it is, an image as the model wants it, noise where nothing is given.
std::vector<Tensor> inputs_for(const Model& model, const State& s) {
  const auto& values = model.graph().inputs;
  if (!s.inputs.empty() && s.inputs.size() != values.size())
    throw UsageError(
        fmt::format("{} has {} inputs: give as many --input, in their order", model.name(), values.size()));
  std::vector<Tensor> tensors;
  Rng rng(1);
  for (size_t i = 0; i < values.size(); ++i) {
    if (s.inputs.empty()) {
      Tensor noise(DType::f32, values[i].shape().with(0, 1));
      for (float& v : noise.as<float>()) v = rng.normal();
      tensors.push_back(noise);
    } else if (s.inputs[i].ends_with(".npy")) {
      tensors.push_back(read_npy(s.inputs[i]).to(DType::f32));
    } else {
      const std::vector<data::Image> image = {data::load_image(s.inputs[i])};
      tensors.push_back(batch_of(model, image));
    }
  }
  return tensors;
}

std::string shape_text(const std::vector<int64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ",")); }

void print_row(const io::LayerDifference& d, std::string_view mark) {
  fmt::print("{} {:<32} {:<32} {:<18} {:>10.3g} of {:.4g}\n", mark, d.first, d.second.empty() ? "-" : d.second,
             shape_text(d.shape), d.largest, d.magnitude);
}

nlohmann::ordered_json to_json(const io::LayerDifference& d) {
  return {{"first", d.first},
          {"second", d.second},
          {"shape", d.shape},
          {"largest", d.largest},
          {"magnitude", d.magnitude},
          {"element", d.element},
          {"values", {d.first_value, d.second_value}},
          {"agrees", d.agrees}};
}

void print_json(const io::ModelDifference& difference) {
  nlohmann::ordered_json j = {{"agree", difference.agree()}, {"layers", nlohmann::ordered_json::array()}};
  if (difference.parting) j["parting"] = to_json(difference.layers[*difference.parting]);
  for (const auto& d : difference.layers) j["layers"].push_back(to_json(d));
  for (const auto& d : difference.outputs) j["outputs"].push_back(to_json(d));
  fmt::print("{}\n", j.dump(2));
}

void print_text(const State& s, const io::ModelDifference& difference) {
  const auto paired = std::ranges::count_if(difference.layers, [](const auto& d) { return d.agrees; });
  if (s.all)
    for (const auto& d : difference.layers) print_row(d, d.agrees ? " " : d.second.empty() ? "?" : "*");
  fmt::print("{} of {} layers of {} have one in {} that gives the same\n", paired, difference.layers.size(), s.first,
             s.second);
  for (const auto& d : difference.outputs) print_row(d, "output");
  if (difference.agree()) {
    fmt::print("they agree\n");
    return;
  }
  if (!difference.parting) {
    fmt::print("they give other outputs, although each layer of {} has its counterpart\n", s.first);
    return;
  }
  const io::LayerDifference& d = difference.layers[*difference.parting];
  fmt::print("they part at {} / {} {}: by {:.3g} of {:.4g}, at element {}: {:.6g} and {:.6g}\n", d.first, d.second,
             shape_text(d.shape), d.largest, d.magnitude, d.element, d.first_value, d.second_value);
}

int run(const State& s) {
  Model first = open_model(s.first), second = open_model(s.second);
  s.machine.run(first);
  s.machine.run(second);
  const double tolerance = s.tolerance.value_or(io::CompareConfig{}.tolerance);
  if (!(tolerance >= 0)) throw UsageError("--tolerance must not be negative");
  const auto difference =
      io::compare_models(first, second, inputs_for(first, s), inputs_for(second, s), {.tolerance = tolerance});
  if (s.json)
    print_json(difference);
  else
    print_text(s, difference);
  return difference.agree() ? 0 : 1;
}

std::function<int()> declare(Options& options) {
  auto s = std::make_shared<State>();
  options.argument("A", s->first, "a model file of any format that can be read, or a network of the zoo");
  options.argument("B", s->second, "another one");
  options.add(
      "--input", s->inputs,
      "x.npy, an array [N,C,H,W] for both, or an image, which each model prepares in its own way; one for each input; "
      "noise when not given");
  options.add("--tolerance", s->tolerance, "how far elements may differ, of the layer's largest one (1e-4)");
  options.flag("--all", s->all, "print every layer, not the first that differs alone");
  options.flag("--json", s->json, "for machines");
  s->machine.declare(options);
  return [s] { return run(*s); };
}

}  // namespace

const Verb diff_verb = {"diff", "Run two models side by side and find the first layer where they differ",
                        "  ocellus diff model.onnx model.keras --input dog.jpg\n"
                        "  ocellus diff a.safetensors b.safetensors --input x.npy --tolerance 1e-5 --all",
                        declare};

}  // namespace cli
