#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include <ocellus/base/error.h>
#include <ocellus/train/callback.h>

#include "tensor/files.h"

namespace ocellus::callback {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_files::message_of;
using testing_files::read_text;
using testing_files::TemporaryFolder;
using testing_files::write_text;

/// Weights as a single number that the run sets to the epoch.
struct FakeRun {
  int64_t weights = -1, kept = -1;
  std::vector<std::pair<std::string, int64_t>> saved;
  TrainInfo info(int64_t start_epoch = 0) {
    return {.epochs = 100,
            .start_epoch = start_epoch,
            .steps_per_epoch = 10,
            .keep_weights = [this] { kept = weights; },
            .restore_weights = [this] { weights = kept; },
            .save = [this](const std::filesystem::path& path) { saved.emplace_back(path.string(), weights); }};
  }
  /// Runs epochs with these values until the callback asks to stop; gives the number of epochs run.
  int64_t train(Callback& callback, const char* monitor, const std::vector<double>& values, int64_t start_epoch = 0) {
    callback.on_train_begin(info(start_epoch));
    return proceed(callback, monitor, values, start_epoch);
  }
  int64_t proceed(Callback& callback, const char* monitor, const std::vector<double>& values, int64_t start_epoch) {
    int64_t epoch = start_epoch;
    for (const double value : values) {
      weights = epoch;
      callback.on_epoch_end({.epoch = epoch, .epochs = 100, .logs = {{"loss", 9}, {monitor, value}}});
      ++epoch;
      if (callback.stop_requested()) break;
    }
    callback.on_train_end();
    return epoch - start_epoch;
  }
};

TEST(EarlyStopping, StopsAfterItsPatience) {
  FakeRun run;
  EarlyStopping early({.patience = 2});
  EXPECT_EQ(run.train(early, "val_loss", {5, 4, 4.5, 3, 3, 3.5, 1}), 6);
  EXPECT_EQ(early.best(), 3);
  EXPECT_EQ(early.best_epoch(), 3);
  EXPECT_EQ(early.stop_reason(), "val_loss has not improved on 3 (epoch 4) for 2 epochs");
  EXPECT_EQ(run.weights, 5);
  EXPECT_EQ(run.train(early, "val_loss", {7, 6}), 2);  // a new run starts afresh
  EXPECT_FALSE(early.stop_requested());
}

TEST(EarlyStopping, SmallChangesAndNansAreNoImprovement) {
  FakeRun run;
  EarlyStopping early({.monitor = "val_accuracy", .patience = 3, .min_delta = 0.01});
  EXPECT_EQ(run.train(early, "val_accuracy", {0.5, 0.505, NAN, 0.51, 0.9}), 4);
  EarlyStopping falling({.monitor = "x", .patience = 1, .mode = Direction::min});
  EXPECT_EQ(run.train(falling, "x", {2, 1, 1.5, 0}), 3);
}

TEST(EarlyStopping, BringsBackTheBestWeights) {
  FakeRun run;
  EarlyStopping early({.patience = 2, .restore_best = true});
  run.train(early, "val_loss", {5, 3, 4, 4});
  EXPECT_EQ(run.weights, 1);
  run.train(early, "val_loss", {5, 4, 3});  // the last is the best: nothing to bring back
  EXPECT_EQ(run.weights, 2);
  EarlyStopping alone({.restore_best = true});
  EXPECT_THROW(alone.on_train_begin({}), UsageError);
}

TEST(EarlyStopping, ContinuesFromItsSavedState) {
  FakeRun run;
  EarlyStopping first({.patience = 3}), second({.patience = 3});
  run.train(first, "val_loss", {3, 4});
  second.on_train_begin(run.info(2));
  second.restore(first.state());
  EXPECT_EQ(run.proceed(second, "val_loss", {4, 4, 1}, 2), 2);
  EXPECT_EQ(second.best_epoch(), 0);
  EXPECT_THROW(second.restore({{"waited", NAN}}), UsageError);
}

TEST(EarlyStopping, NamesTheValuesThatThereAre) {
  EarlyStopping early({.monitor = "val_loss"});
  early.on_train_begin({});
  EXPECT_EQ(message_of<UsageError>([&] {
              early.on_epoch_end({.logs = {{"loss", 1}, {"accuracy", 1}}});
            }),
            "early stopping watches \"val_loss\", but an epoch gives: loss, accuracy (is there validation data?)");
}

TEST(BestCheckpoint, SavesOnlyImprovements) {
  FakeRun run;
  BestCheckpoint best({.path = "best.safetensors", .monitor = "val_accuracy"});
  run.train(best, "val_accuracy", {0.5, 0.4, 0.6, 0.6, NAN, 0.7});
  EXPECT_THAT(run.saved, ElementsAre(std::pair("best.safetensors", 0), std::pair("best.safetensors", 2),
                                     std::pair("best.safetensors", 5)));
  EXPECT_EQ(best.best_epoch(), 5);

  FakeRun resumed;
  BestCheckpoint later({.path = "b", .monitor = "val_accuracy"});
  later.on_train_begin(resumed.info(6));
  later.restore(best.state());
  resumed.proceed(later, "val_accuracy", {0.65, 0.8}, 6);
  EXPECT_THAT(resumed.saved, ElementsAre(std::pair("b", 7)));
}

TEST(BestCheckpoint, TakesItsOwnWayToSave) {
  FakeRun run;
  int calls = 0;
  BestCheckpoint best({.path = "p", .save = [&](const std::filesystem::path&) { ++calls; }});
  run.train(best, "val_loss", {2, 1});
  EXPECT_EQ(calls, 2);
  EXPECT_TRUE(run.saved.empty());
  EXPECT_THROW(BestCheckpoint({.path = ""}), UsageError);
  BestCheckpoint none({.path = "p"});
  EXPECT_THROW(none.on_train_begin({}), UsageError);
}

EpochInfo epoch(int64_t n, double loss) {
  return {.epoch = n, .epochs = 9, .logs = {{"loss", loss}, {"val_loss", loss / 2}}};
}

TEST(CsvLog, WritesEachRowAtOnce) {
  const TemporaryFolder folder;
  CsvLog log(folder / "log.csv");
  log.on_train_begin({.epochs = 2});
  log.on_epoch_end(epoch(0, 0.5));
  EXPECT_EQ(read_text(folder / "log.csv"), "epoch,loss,val_loss\n1,0.5,0.25\n");
  log.on_epoch_end(epoch(1, NAN));
  EXPECT_EQ(read_text(folder / "log.csv"), "epoch,loss,val_loss\n1,0.5,0.25\n2,nan,nan\n");
  log.on_epoch_end(epoch(2, std::copysign(NAN, -1)));
  EXPECT_THAT(read_text(folder / "log.csv"), testing::EndsWith("\n3,nan,nan\n"));
  log.on_train_begin({.epochs = 2});
  EXPECT_EQ(read_text(folder / "log.csv"), "");
}

TEST(CsvLog, AResumedRunContinuesAfterItsCheckpoint) {
  const TemporaryFolder folder;
  write_text(folder / "log.csv", "epoch,loss,val_loss\n1,4,2\n2,3,1.5\n3,9,9\n4,9");  // killed while writing epoch 4
  CsvLog log(folder / "log.csv");
  log.on_train_begin({.epochs = 9, .start_epoch = 2});
  log.on_epoch_end(epoch(2, 2));
  EXPECT_EQ(read_text(folder / "log.csv"), "epoch,loss,val_loss\n1,4,2\n2,3,1.5\n3,2,1\n");
  EXPECT_EQ(folder.files(), 1u);

  CsvLog fresh(folder / "gone.csv");
  fresh.on_train_begin({.epochs = 9, .start_epoch = 2});
  fresh.on_epoch_end(epoch(2, 2));
  EXPECT_EQ(read_text(folder / "gone.csv"), "epoch,loss,val_loss\n3,2,1\n");
}

TEST(CsvLog, RefusesOtherColumnsAndOtherFiles) {
  const TemporaryFolder folder;
  write_text(folder / "log.csv", "epoch,loss\n1,4\n");
  CsvLog log(folder / "log.csv");
  log.on_train_begin({.epochs = 9, .start_epoch = 1});
  EXPECT_THAT(message_of<UsageError>([&] { log.on_epoch_end(epoch(1, 1)); }),
              HasSubstr("has the columns epoch,loss, this run gives epoch,loss,val_loss"));
  write_text(folder / "log.csv", "epoch,loss\nhello\n");
  EXPECT_THAT(message_of<FormatError>([&] { log.on_train_begin({.epochs = 9, .start_epoch = 1}); }),
              HasSubstr("line 2"));
  CsvLog nowhere(folder / "no/such/folder.csv");
  EXPECT_THAT(message_of<IoError>([&] { nowhere.on_train_begin({}); }), HasSubstr("No such file or directory"));
  CsvLog full("/dev/full");
  full.on_train_begin({});
  EXPECT_THAT(message_of<IoError>([&] { full.on_epoch_end(epoch(0, 1)); }), HasSubstr("/dev/full: can't be written"));
}

TEST(History, KeepsColumnsInOrderAndDropsRepeatedEpochs) {
  History h;
  h.add(0, {{"loss", 3}, {"accuracy", 0.1}});
  h.add(1, {{"loss", 2}, {"accuracy", 0.2}, {"val_loss", 5}});
  h.add(2, {{"loss", 9}});
  h.add(1, {{"loss", 1}, {"accuracy", 0.3}, {"val_loss", 4}});
  EXPECT_THAT(h.names(), ElementsAre("loss", "accuracy", "val_loss"));
  EXPECT_THAT(h.column("loss"), ElementsAre(3, 1));
  EXPECT_TRUE(std::isnan(h.column("val_loss")[0]));
}

TEST(History, GoesThroughJson) {
  History h;
  h.add(0, {{"loss", 1.0 / 3}});
  h.add(2, {{"loss", NAN}, {"val_loss", 1e-300}});
  const std::string json = h.to_json();
  const History back = History::from_json(json);
  EXPECT_EQ(back.to_json(), json);
  EXPECT_EQ(back.rows()[1].epoch, 2);
  EXPECT_EQ(back.column("loss")[0], 1.0 / 3);
  EXPECT_EQ(History::from_json(History().to_json()).rows().size(), 0u);
  for (const char* bad :
       {"", "[]", "{\"epoch\":[0]}", "{\"epoch\":[1,0],\"columns\":[]}", "{\"epoch\":[-1],\"columns\":[]}",
        "{\"epoch\":[0],\"columns\":[{\"name\":\"a\",\"values\":[]}]}",
        "{\"epoch\":[0],\"columns\":[{\"name\":\"a\",\"values\":[\"x\"]}]}"})
    EXPECT_THAT(message_of<FormatError>([&] { History::from_json(bad, "m.safetensors"); }),
                testing::StartsWith("m.safetensors: the training history"))
        << bad;
}

struct ConfigLike {
  std::vector<Handle<Callback>> callbacks;
};

TEST(Callback, StandsInAListAsValueOrShared) {
  const auto early = std::make_shared<EarlyStopping>();
  const ConfigLike config{.callbacks = {early, CsvLog("x.csv"), BestCheckpoint({.path = "p"})}};
  EXPECT_EQ(config.callbacks[0].get(), early.get());
  EXPECT_EQ(config.callbacks[1]->name(), "csv_log");
}

}  // namespace
}  // namespace ocellus::callback
