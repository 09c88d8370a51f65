// ocellus train MODEL --data PATH: a training run and its folder.
//
// The folder holds the arguments (args.json), a line an epoch (log.csv), curves.png, confusion.png, report.txt,
// metrics.json, the best model so far (best.safetensors) and the last (last.safetensors), which also has all that
// resuming needs.

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ocellus/base/error.h>
#include <ocellus/base/file.h>
#include <ocellus/base/version.h>
#include <ocellus/data/decorators.h>
#include <ocellus/data/open.h>
#include <ocellus/train/interrupt.h>
#include <ocellus/train/metric.h>
#include <ocellus/train/plot.h>
#include <ocellus/zoo/zoo.h>

#include "common.h"
#include "verb.h"

namespace cli {
namespace {

using namespace ocellus;
namespace fs = std::filesystem;

struct State {
  std::string model, data, out;
  std::optional<int64_t> epochs, batch;
  std::optional<std::string> optimizer, schedule;
  std::optional<double> lr, momentum, weight_decay;
  std::optional<int64_t> patience;
  std::string validation = "0.1", memory_limit;
  int64_t seed = 0, workers = -1;
  bool resume = false, quiet = false, no_augment = false;
  Machine machine;
};

/// What a run trains on and is judged by.
struct Data {
  data::AnyDataset train;
  std::optional<data::AnyDataset> validation, test;
};

double fraction(const std::string& text) {
  size_t used = 0;
  double value = -1;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception&) {
  }
  if (used != text.size() || value <= 0 || value >= 1)
    throw UsageError("--validation is a share between 0 and 1, test or none, not \"" + text + "\"");
  return value;
}

/// A validation part of the data itself, else what --validation says: a share of the training part, the test part, or
/// none.
Data open_data(const State& s) {
  Data d{data::open_dataset(s.data, Split::train), {}, {}};
  if (data::has_split(s.data, Split::test)) d.test = data::open_dataset(s.data, Split::test);
  if (data::has_split(s.data, Split::validation)) {
    d.validation = data::open_dataset(s.data, Split::validation);
  } else if (s.validation == "test") {
    if (!d.test) throw UsageError(s.data + " has no test part to validate on");
    d.validation = d.test;
  } else if (s.validation != "none") {
    // The same samples for every --seed, so that runs can be compared.
    auto [kept, held] = data::split(d.train, 1 - fraction(s.validation), 0);
    if (held.size() == 0) return d;  // of so few samples none can be spared
    d.train = kept;
    d.validation = held;
  }
  return d;
}

/// runs/train/NAME, or the first of NAME-2, NAME-3, ... that is free.
fs::path run_folder(const State& s) {
  if (!s.out.empty()) return s.out;
  const fs::path base = fs::path("runs/train") / fs::path(s.model).stem();
  fs::path path = base;
  for (int i = 2; fs::exists(path); ++i) path = base.string() + "-" + std::to_string(i);
  return path;
}

nlohmann::ordered_json arguments(const State& s, const zoo::Preset& p, int64_t epochs, int64_t batch) {
  return {{"version", OCELLUS_VERSION},
          {"model", s.model},
          {"data", s.data},
          {"epochs", epochs},
          {"batch", batch},
          {"optimizer", p.optimizer->describe()},
          {"schedule", p.schedule ? p.schedule->describe() : "constant"},
          {"augment", s.no_augment ? "none" : p.augment_text},
          {"validation", s.validation},
          {"seed", s.seed},
          {"threads", s.machine.threads},
          {"backend", s.machine.backend},
          {"memory_limit", s.memory_limit.empty() ? "none" : s.memory_limit},
          {"algorithms", s.machine.algorithms},
          {"dtype", std::string(to_string(s.machine.precision()))}};
}

/// The preset of the network, changed as the options say. A saved model brings its own optimiser along.
zoo::Preset choose_preset(const State& s, const Model& model) {
  zoo::Preset p;
  if (in_zoo(s.model))
    p = zoo::preset(s.model);
  else if (model.compiled())
    p = {.optimizer = model.configuration().optimizer, .loss = model.configuration().loss};
  const bool changed = s.optimizer || s.lr || s.momentum || s.weight_decay;
  const std::string name = s.optimizer.value_or(std::string(p.optimizer ? p.optimizer->name() : "adam"));
  if (changed && p.optimizer && name == p.optimizer->name()) {
    // What is not given stays as the preset has it.
    const optim::Overrides o{s.lr ? s.lr : p.optimizer->setting("lr"),
                             s.momentum ? s.momentum : p.optimizer->setting("momentum"),
                             s.weight_decay ? s.weight_decay : p.optimizer->setting("weight_decay")};
    p.optimizer = optim::make(name, o);
  } else if (changed || !p.optimizer) {
    p.optimizer = optim::make(name, {s.lr, s.momentum, s.weight_decay});
  }
  if (s.schedule) p.schedule = schedule::parse(*s.schedule);
  if (s.no_augment) p.augment.clear();
  return p;
}

/// Judges the best model on data that training has not seen, and draws and writes what the folder promises.
void report(const State& s, const fs::path& folder, const Data& d) {
  Model best = Model::load(folder / "best.safetensors");
  s.machine.run(best);
  const data::AnyDataset& judge = d.test ? *d.test : d.validation ? *d.validation : d.train;
  metric::ConfusionMatrix matrix(best.graph().outputs[0].shape()[1], best.class_names());
  const Logs logs = best.evaluate(judge, {.observer = [&](const Tensor& predictions, const Tensor& targets) {
                                    matrix.update(predictions, targets);
                                  }});
  nlohmann::ordered_json j = {{"dataset", judge.name()}};
  for (const auto& [name, value] : logs) j[name] = value;
  write_atomically(folder / "metrics.json", j.dump(2) + "\n");
  write_atomically(folder / "report.txt", matrix.to_string());
  plot_confusion(matrix, best.class_names(), folder / "confusion.png");
  std::string line;
  for (const auto& [name, value] : logs)
    line += fmt::format("{}{} {:.4f}", line.empty() ? "" : ", ", name, std::isnan(value) ? std::fabs(value) : value);
  fmt::print("best model on {}: {}\n", judge.name(), line);
}

/// The command that goes on with this run: --resume needs what the run was given.
std::string resume_command(const State& s, const fs::path& folder) {
  std::string text = fmt::format("ocellus train {} --data {} --out {} --resume", s.model, s.data, folder.string());
  const auto add = [&](const char* flag, const auto& value) {
    if (value) text += fmt::format(" {} {}", flag, *value);
  };
  add("--epochs", s.epochs);
  add("--batch", s.batch);
  add("--optimizer", s.optimizer);
  add("--lr", s.lr);
  add("--momentum", s.momentum);
  add("--weight-decay", s.weight_decay);
  add("--schedule", s.schedule);
  add("--patience", s.patience);
  const State usual;
  if (s.validation != usual.validation) text += " --validation " + s.validation;
  if (s.seed != usual.seed) text += fmt::format(" --seed {}", s.seed);
  if (s.machine.threads != usual.machine.threads) text += fmt::format(" --threads {}", s.machine.threads);
  if (s.machine.backend != usual.machine.backend) text += " --backend " + s.machine.backend;
  if (s.machine.dtype != usual.machine.dtype) text += " --dtype " + s.machine.dtype;
  if (!s.memory_limit.empty()) text += " --memory-limit " + s.memory_limit;
  if (s.machine.algorithms != usual.machine.algorithms) text += " --algorithms " + s.machine.algorithms;
  return text + (s.no_augment ? " --no-augment" : "");
}

void announce(const State& s, const Model& model, const Data& d, const zoo::Preset& preset, int64_t batch) {
  fmt::print("{}: {} parameters; {} training samples from {}, {} to validate on\n", s.model, model.count_parameters(),
             d.train.size(), d.train.name(), d.validation ? d.validation->size() : 0);
  fmt::print("{}; schedule {}; batch {}; augmentation {}; {}\n", preset.optimizer->describe(),
             preset.schedule ? preset.schedule->describe() : "constant", batch,
             s.no_augment ? "none" : preset.augment_text, to_string(model.precision()));
}

int run(const State& s) {
  const BackendPtr backend = s.machine.open();
  // A saved model is opened before the data, which may take longer: a misspelt name is told at once.
  std::optional<Model> saved;
  if (!in_zoo(s.model)) saved = open_model(s.model);
  if (saved) refuse_foreign_loss(*saved, s.model, "go on training it");
  const Data d = open_data(s);
  const auto classes = static_cast<int64_t>(d.train.class_names().size());
  const fs::path folder = run_folder(s);
  const fs::path last = folder / "last.safetensors", best = folder / "best.safetensors";
  if (s.resume && !fs::exists(last)) throw UsageError(last.string() + " does not exist: there is nothing to resume");

  Model model = saved ? *saved : open_model(s.model, classes);
  if (!saved) model.initialise(static_cast<uint64_t>(s.seed));
  const zoo::Preset preset = choose_preset(s, model);
  const int64_t epochs = s.epochs.value_or(preset.epochs), batch = s.batch.value_or(preset.batch);
  if (epochs < 1 || batch < 1) throw UsageError("--epochs and --batch must be at least 1");
  model.compile({.optimizer = preset.optimizer,
                 .loss = preset.loss,
                 .metrics = {metric::accuracy()},
                 .backend = backend,
                 .precision = s.machine.precision(),
                 .memory_limit = parse_bytes("--memory-limit", s.memory_limit)});

  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw IoError(folder.string(), "can't be made", error.value());
  write_atomically(folder / "args.json", arguments(s, preset, epochs, batch).dump(2) + "\n");
  announce(s, model, d, preset, batch);
  const InterruptGuard interrupt;
  FitConfig config{.epochs = epochs,
                   .batch = batch,
                   .schedule = preset.schedule,
                   .augment = preset.augment,
                   .seed = static_cast<uint64_t>(s.seed),
                   .workers = static_cast<int>(s.workers),
                   .progress = !s.quiet,
                   .checkpoint = last,
                   .resume = s.resume};
  config.validation = d.validation ? &*d.validation : nullptr;
  config.callbacks.push_back(callback::CsvLog(folder / "log.csv"));
  config.callbacks.push_back(
      callback::BestCheckpoint({.path = best, .monitor = d.validation ? "val_accuracy" : "accuracy"}));
  if (s.patience)
    config.callbacks.push_back(
        callback::EarlyStopping({.monitor = d.validation ? "val_loss" : "loss", .patience = *s.patience}));
  config.stop = [&] { return interrupt.requested(); };
  const History history = model.fit(d.train, config);
  if (!history.empty()) plot_curves(history, folder / "curves.png");
  if (interrupt.requested()) {
    fmt::print("stopped; {} has everything. Go on with:\n  {}\n", last.string(), resume_command(s, folder));
    return static_cast<int>(ExitCode::interrupted);
  }
  report(s, folder, d);
  fmt::print("saved in {}: best.safetensors, last.safetensors, log.csv, curves.png, confusion.png, report.txt\n",
             folder.string());
  return 0;
}

std::function<int()> declare(Options& options) {
  auto s = std::make_shared<State>();
  options.argument("MODEL", s->model, "a network of the zoo (see `ocellus info`), or a saved model to go on with");
  options.add("--data", s->data, "folder of IDX, CIFAR or class-folder data, or builtin:digits", true);
  options.add("--epochs", s->epochs, "passes over the training data; default: the network's preset");
  options.add("--batch", s->batch, "samples a step; default: the network's preset");
  options.add("--optimizer", s->optimizer, "sgd, adam, adamw or rmsprop; default: the network's preset");
  options.add("--lr", s->lr, "learning rate");
  options.add("--momentum", s->momentum, "of sgd and rmsprop");
  options.add("--weight-decay", s->weight_decay, "L2 term (sgd, adam, rmsprop) or decoupled decay (adamw)");
  options.add("--schedule", s->schedule,
              "constant, cosine, step:EPOCHS:FACTOR, multistep:E1,E2:FACTOR, plateau:FACTOR:PATIENCE; "
              "warmup:EPOCHS,... before one");
  options.add("--validation", s->validation,
              "share of the training data to validate on if the data has no part for it; or test, or none");
  options.add("--patience", s->patience, "stop after so many epochs without a better validation loss");
  options.add("--seed", s->seed, "of weights, order, augmentation and dropout");
  options.add("--workers", s->workers, "threads that load data; -1: as many as make sense");
  options.add("--out", s->out, "folder of the run; default: runs/train/MODEL");
  options.add("--memory-limit", s->memory_limit,
              "bytes (800M, 1.5G) for the values of a training step: cheap ones are computed again instead of kept");
  options.flag("--resume", s->resume, "go on with the run in --out, bit for bit as if it had not stopped");
  options.flag("--no-augment", s->no_augment, "train on the images as they are");
  options.flag("--quiet", s->quiet, "no progress lines");
  s->machine.declare(options);
  return [s] { return run(*s); };
}

}  // namespace

const Verb train_verb = {"train",
                         "Train a network; leaves best.safetensors, last.safetensors, logs and pictures in a folder",
                         "  ocellus train lenet5 --data builtin:digits --out runs/digits\n"
                         "  ocellus train lenet5 --data mnist/ --epochs 10 --out runs/mnist\n"
                         "  ocellus train resnet20 --data cifar/ --schedule warmup:1,cosine --out runs/cifar\n"
                         "  ocellus train resnet20 --data cifar/ --out runs/cifar --resume",
                         declare};

}  // namespace cli
