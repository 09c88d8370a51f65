// ocellus quantize MODEL_FILE --data PATH: a model that predicts with bytes.

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ocellus/base/error.h>
#include <ocellus/data/open.h>

#include "common.h"
#include "verb.h"

namespace cli {
namespace {

using namespace ocellus;

struct State {
  std::string model, data, out, method = "entropy";
  std::optional<double> max_drop, percentile;
  int64_t samples = 512, judged = 0, batch = 16;
  bool json = false;
  Machine machine;
};

CalibrationMethod method_of(const std::string& name) {
  const auto names = enum_names(CalibrationMethod{});
  const auto it = std::ranges::find(names, name);
  if (it == names.end()) throw UsageError("--method is minmax, percentile or entropy, not \"" + name + "\"");
  return static_cast<CalibrationMethod>(it - names.begin());
}

/// Ranges come from training samples if there are any, accuracy from those that the model has not been trained on.
data::AnyDataset open(const std::string& path, std::initializer_list<Split> wanted) {
  for (const Split split : wanted)
    if (data::has_split(path, split)) return data::open_dataset(path, split);
  return data::open_dataset(path, Split::train);
}

/// "runs/best.safetensors" becomes "runs/best-int8.safetensors".
std::filesystem::path beside(const std::filesystem::path& model) {
  return model.parent_path() / (model.stem().string() + "-int8" + model.extension().string());
}

std::string share(double accuracy) { return fmt::format("{:.2f} %", 100 * accuracy); }

void print_table(const QuantizeReport& r) {
  fmt::print("{:<32} {:>10}  {}\n", "layer", "error", "computes in");
  for (const QuantizedLayer& layer : r.layers)
    fmt::print("{:<32} {:>10}  {}\n", layer.name, std::isnan(layer.error) ? "" : fmt::format("{:.2e}", layer.error),
               layer.wide ? "f32" : "i8");
  const auto wide = std::ranges::count(r.layers, true, &QuantizedLayer::wide);
  fmt::print("\naccuracy on {} samples: {} in f32, {} with all layers in i8", r.judged, share(r.f32), share(r.i8));
  if (wide > 0) fmt::print(", {} with {} of {} in f32", share(r.result), wide, r.layers.size());
  fmt::print("\n");
}

nlohmann::ordered_json as_json(const QuantizeReport& r, const std::string& file) {
  nlohmann::ordered_json j = {
      {"file", file}, {"samples", r.judged}, {"f32", r.f32}, {"i8", r.i8}, {"result", r.result}};
  for (const QuantizedLayer& layer : r.layers) {
    nlohmann::ordered_json row = {{"name", layer.name}, {"dtype", layer.wide ? "f32" : "i8"}};
    if (!std::isnan(layer.error)) row["error"] = layer.error;
    j["layers"].push_back(std::move(row));
  }
  return j;
}

int run(const State& s) {
  QuantizeConfig config{.samples = s.samples, .judged = s.judged, .batch = s.batch};
  config.calibration.method = method_of(s.method);
  if (s.percentile) config.calibration.percentile = *s.percentile;
  if (s.max_drop) config.max_drop = *s.max_drop;
  if (s.samples < 0 || s.judged < 0) throw UsageError("--samples and --judged must be 0 or more");
  Model model = Model::load(s.model);
  model.set_backend(s.machine.open());
  const data::AnyDataset calibration = open(s.data, {Split::train, Split::validation, Split::test}),
                         judged = open(s.data, {Split::test, Split::validation, Split::train});
  if (!s.json) {
    fmt::print("ranges from {}, accuracy on {}\n", calibration.name(), judged.name());
    config.progress = [](std::string_view what) {
      fmt::print("  {}\n", what);
      std::fflush(stdout);
    };
  }
  const QuantizeReport report = model.quantize(calibration, judged, config);
  const std::string out = s.out.empty() ? beside(s.model).string() : s.out;
  model.save(out);
  if (s.json) {
    fmt::print("{}\n", as_json(report, out).dump(2));
    return 0;
  }
  print_table(report);
  fmt::print("saved as {}: predict, eval and bench compute with bytes there; --dtype f32 does without\n", out);
  return 0;
}

std::function<int()> declare(Options& options) {
  auto s = std::make_shared<State>();
  options.argument("MODEL_FILE", s->model, "a saved model");
  options.add("--data", s->data, "data with known answers, as for eval", true);
  options.add("--method", s->method, "how ranges are chosen: minmax, percentile or entropy");
  options.add("--percentile", s->percentile, "share of an activation's elements that its range holds; default: 99.99");
  options.add("--samples", s->samples, "samples that ranges are taken from; 0: all");
  options.add("--judged", s->judged, "samples that accuracy is measured on; 0: all");
  options.add("--max-drop", s->max_drop, "points of accuracy that may be lost; default: 0.5");
  options.add("--batch", s->batch, "samples computed at once");
  options.add("--out", s->out, "where to save; default: beside the model, as NAME-int8");
  options.flag("--json", s->json, "for machines");
  s->machine.declare(options);
  return [s] { return run(*s); };
}

}  // namespace

const Verb quantize_verb = {"quantize", "Turn a saved model into one that predicts with bytes (int8)",
                            "  ocellus quantize runs/mnist/best.safetensors --data mnist/\n"
                            "  ocellus quantize best.safetensors --data photos/ --method percentile --max-drop 0.2",
                            declare};

}  // namespace cli
