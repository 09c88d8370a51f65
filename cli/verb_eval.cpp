// ocellus eval MODEL_FILE --data PATH

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ocellus/base/error.h>
#include <ocellus/data/open.h>
#include <ocellus/train/metric.h>
#include <ocellus/train/plot.h>
#include <ocellus/train/progress.h>

#include "boxes.h"
#include "common.h"
#include "verb.h"

namespace cli {
namespace {

using namespace ocellus;

struct State {
  std::string model, data, split;
  std::string confusion;
  int64_t batch = 100;
  std::optional<double> score, iou;
  bool json = false;
  Machine machine;
};

/// The part that is asked for; by default test, then validation, then what there is.
Split choose_split(const State& s) {
  if (s.split == "train") return Split::train;
  if (s.split == "val" || s.split == "validation") return Split::validation;
  if (s.split == "test") return Split::test;
  if (!s.split.empty()) throw UsageError("--split is train, val or test, not \"" + s.split + "\"");
  for (const Split split : {Split::test, Split::validation})
    if (data::has_split(s.data, split)) return split;
  return Split::train;
}

nlohmann::ordered_json as_json(const Logs& logs, const metric::ConfusionMatrix& matrix, const std::string& name,
                               int64_t n) {
  nlohmann::ordered_json j = {{"dataset", name}, {"samples", n}};
  for (const auto& [key, value] : logs) j[key] = value;
  j["macro_precision"] = matrix.macro_precision();
  j["macro_recall"] = matrix.macro_recall();
  j["macro_f1"] = matrix.macro_f1();
  for (int64_t c = 0; c < matrix.classes(); ++c)
    j["classes"].push_back({{"name", matrix.name(c)},
                            {"precision", matrix.precision(c)},
                            {"recall", matrix.recall(c)},
                            {"f1", matrix.f1(c)},
                            {"support", matrix.support(c)}});
  return j;
}

/// Scores down to 0.005, as precision over all of them asks for.
int judge_detector(const State& s, const Model& model) {
  const data::AnyDataset dataset = data::open_dataset(s.data, choose_split(s));
  return judge_boxes(model, {.dataset = dataset,
                             .json = s.json,
                             .nms = {.score_threshold = s.score.value_or(0.005), .iou_threshold = s.iou.value_or(0.45)}});
}

int run(const State& s) {
  Model model = open_model(s.model);
  s.machine.run(model);
  if (!vision::detection_heads(model).empty()) return judge_detector(s, model);
  refuse_foreign_loss(model, s.model, "judge it");
  if (!model.compiled()) throw UsageError(s.model + ": the model was saved without a loss, so it can't be judged");
  const data::AnyDataset dataset = data::open_dataset(s.data, choose_split(s));
  const Shape output = model.graph().outputs[0].shape();
  std::optional<metric::ConfusionMatrix> matrix;
  if (output.rank() == 2) matrix.emplace(output[1], model.class_names());
  std::optional<ProgressBar> bar;
  EvaluateConfig config{.batch = s.batch};
  config.observer = [&](const Tensor& predictions, const Tensor& targets) {
    if (matrix) matrix->update(predictions, targets);
  };
  config.progress = [&](int64_t batch, int64_t batches, const Logs& logs) {
    if (s.json) return;
    if (!bar) bar.emplace(batches, ProgressConfig{}, dataset.name());
    bar->update(batch, logs);
  };
  const Logs logs = model.evaluate(dataset, config);
  if (bar) bar->finish(logs);
  if (s.json)
    fmt::print("{}\n",
               as_json(logs, matrix ? *matrix : metric::ConfusionMatrix(1), dataset.name(), dataset.size()).dump(2));
  else if (matrix)
    fmt::print("{}", matrix->to_string());
  if (!s.confusion.empty() && matrix) plot_confusion(*matrix, model.class_names(), s.confusion);
  return 0;
}

std::function<int()> declare(Options& options) {
  auto s = std::make_shared<State>();
  options.argument("MODEL_FILE", s->model, "a saved model");
  options.add("--data", s->data, "folder of IDX, CIFAR or class-folder data, or builtin:digits; for detectors images/ and labels/", true);
  options.add("--split", s->split, "train, val or test; default: test if there is one");
  options.add("--batch", s->batch, "samples computed at once");
  options.add("--confusion", s->confusion, "draw the confusion matrix to this PNG");
  options.add("--score", s->score, "of a detector: boxes with scores above this; default 0.005");
  options.add("--iou", s->iou, "of a detector: a box goes that overlaps a better one of its class by more; default 0.45");
  options.flag("--json", s->json, "for machines: accuracy, loss, and each class's figures");
  s->machine.declare(options);
  return [s] { return run(*s); };
}

}  // namespace

const Verb eval_verb = {"eval", "Judge a saved model on data with known answers",
                        "  ocellus eval runs/mnist/best.safetensors --data mnist/\n"
                        "  ocellus eval runs/mnist/best.safetensors --data mnist/ --json\n"
                        "  ocellus eval yolov3-tiny.cfg --data coco128/ --split val",
                        declare};

}  // namespace cli
