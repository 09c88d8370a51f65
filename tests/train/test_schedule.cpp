#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include <ocellus/base/error.h>
#include <ocellus/train/schedule.h>

namespace ocellus::schedule {
namespace {

using testing::HasSubstr;

/// The factor at the start of an epoch (and some steps into it) of a run of 100 epochs with 10 steps each.
double at(const Schedule& schedule, int64_t epoch, int64_t step = 0, int64_t epochs = 100) {
  return schedule.factor({.step = epoch * 10 + step, .epoch = epoch, .steps_per_epoch = 10, .epochs = epochs});
}

TEST(Schedule, ConstantStaysOne) { EXPECT_EQ(at(Constant(), 57, 3), 1); }

TEST(Schedule, StepFallsEveryFewEpochs) {
  const Step step({.every = 30, .factor = 0.1});
  EXPECT_DOUBLE_EQ(at(step, 0), 1);
  EXPECT_DOUBLE_EQ(at(step, 29, 9), 1);
  EXPECT_DOUBLE_EQ(at(step, 30), 0.1);
  EXPECT_NEAR(at(step, 65), 0.01, 1e-12);
  const Step fine({.every = 0.5, .factor = 0.5, .per_step = true});
  EXPECT_DOUBLE_EQ(at(fine, 0, 4), 1);
  EXPECT_DOUBLE_EQ(at(fine, 0, 5), 0.5);
  EXPECT_DOUBLE_EQ(at(fine, 1, 0), 0.25);
}

TEST(Schedule, MultiStepFallsAtItsEpochs) {
  const MultiStep steps({.epochs = {80, 90}, .factor = 0.5});
  EXPECT_DOUBLE_EQ(at(steps, 79, 9), 1);
  EXPECT_DOUBLE_EQ(at(steps, 80), 0.5);
  EXPECT_DOUBLE_EQ(at(steps, 90), 0.25);
}

TEST(Schedule, CosineFallsOverTheRun) {
  const Cosine cosine({.min_factor = 0.2});
  EXPECT_DOUBLE_EQ(at(cosine, 0), 1);
  EXPECT_NEAR(at(cosine, 25), 0.2 + 0.4 * (1 + std::sqrt(0.5)), 1e-12);
  EXPECT_NEAR(at(cosine, 50), 0.6, 1e-12);
  EXPECT_NEAR(at(cosine, 100), 0.2, 1e-12);
  EXPECT_NEAR(at(cosine, 150), 0.2, 1e-12);
  EXPECT_LT(at(cosine, 50, 5), at(cosine, 50));
  const Cosine coarse({.epochs = 10, .per_step = false});
  EXPECT_EQ(at(coarse, 5, 9), at(coarse, 5));
  EXPECT_NEAR(at(coarse, 5), 0.5, 1e-12);
  EXPECT_NEAR(at(coarse, 60), 0, 1e-12);
}

TEST(Schedule, WarmupRisesStepByStepAndThenHandsOver) {
  const Warmup warmup({.epochs = 2, .then = Cosine()});
  EXPECT_DOUBLE_EQ(at(warmup, 0, 0), 1.0 / 20);
  EXPECT_DOUBLE_EQ(at(warmup, 0, 9), 10.0 / 20);
  EXPECT_DOUBLE_EQ(at(warmup, 1, 9), 1);
  EXPECT_DOUBLE_EQ(at(warmup, 2, 0), 1);
  EXPECT_NEAR(at(warmup, 51), 0.5, 1e-12);  // half of the 98 epochs that are left
  EXPECT_NEAR(at(warmup, 100), 0, 1e-12);
  const Warmup steps({.epochs = 2, .start_factor = 0.5, .then = Step({.every = 30})});
  EXPECT_DOUBLE_EQ(at(steps, 0, 9), 0.75);
  EXPECT_DOUBLE_EQ(at(steps, 29), 1);
  EXPECT_DOUBLE_EQ(at(steps, 30), 0.1);
}

TEST(Schedule, PlateauWaitsReducesAndCoolsDown) {
  Plateau plateau(
      {.factor = 0.5, .patience = 1, .monitor = "val_loss", .min_delta = 0.01, .cooldown = 2, .min_factor = 0.2});
  const auto epoch = [&](double loss) {
    plateau.end_epoch({{"loss", 0}, {"val_loss", loss}});
    return plateau.factor({});
  };
  EXPECT_EQ(epoch(1.0), 1);
  EXPECT_EQ(epoch(0.995), 1);  // within min_delta: the first epoch without improvement
  EXPECT_EQ(epoch(NAN), 0.5);  // the second
  EXPECT_EQ(epoch(2.0), 0.5);  // cooling down
  EXPECT_EQ(epoch(2.0), 0.5);
  EXPECT_EQ(epoch(2.0), 0.5);
  EXPECT_EQ(epoch(0.9), 0.5);
  EXPECT_EQ(epoch(2.0), 0.5);
  EXPECT_EQ(epoch(2.0), 0.25);
  for (int i = 0; i < 20; ++i) epoch(2.0);
  EXPECT_EQ(plateau.factor({}), 0.2);
  EXPECT_THROW(plateau.end_epoch({{"loss", 1}}), UsageError);
}

TEST(Schedule, PlateauContinuesFromItsSavedState) {
  const PlateauConfig config{.factor = 0.1, .patience = 2, .monitor = "val_accuracy"};
  Plateau whole(config), first(config);
  const double values[] = {0.5, 0.6, 0.6, 0.55, 0.6, 0.7, 0.7, 0.7, 0.7};
  for (size_t i = 0; i < 4; ++i) first.end_epoch({{"val_accuracy", values[i]}});
  Warmup second({.epochs = 0, .then = Plateau(config)});
  second.restore(first.state());
  for (size_t i = 0; i < std::size(values); ++i) {
    whole.end_epoch({{"val_accuracy", values[i]}});
    if (i >= 4) {
      second.end_epoch({{"val_accuracy", values[i]}});
      EXPECT_EQ(second.factor({}), whole.factor({})) << i;
    }
  }
  EXPECT_NEAR(whole.factor({}), 0.01, 1e-12);
  EXPECT_THROW(first.restore({{"factor", 1}}), UsageError);
  EXPECT_TRUE(Constant().state().empty());
}

TEST(Schedule, TextsAreReadAndWrittenBack) {
  for (const char* text : {"constant", "cosine", "cosine:0.01", "step:30:0.1", "multistep:80,120:0.1", "plateau:0.5:3",
                           "warmup:5,cosine", "warmup:0.5,multistep:8,12:0.2"})
    EXPECT_EQ(parse(text)->describe(), text);
  EXPECT_EQ(parse("step:30")->describe(), "step:30:0.1");
  EXPECT_EQ(parse("plateau")->describe(), "plateau:0.1:10");
  EXPECT_EQ(parse("warmup:5")->describe(), "warmup:5,constant");
  EXPECT_DOUBLE_EQ(at(*parse("multistep:80,120:0.1"), 85), 0.1);
}

struct BadText {
  const char* text;
  const char* message;
};

TEST(Schedule, ErrorsShowTheTextAndTheForm) {
  const BadText cases[] = {
      {"cosin", "unknown schedule \"cosin\"; did you mean \"cosine\"? (forms: constant, cosine[:MIN]"},
      {"", "unknown schedule \"\" (forms:"},
      {"step", "step is written step:EPOCHS or step:EPOCHS:FACTOR, for example step:30:0.1"},
      {"step:thirty", "\"thirty\" is no number of epochs"},
      {"step:30:0.1:7", "step is written"},
      {"step:0", "step: the number of epochs must be above 0, got 0"},
      {"step:30:1.5", "the factor must be above 0 and at most 1, got 1.5"},
      {"step:nan", "\"nan\" is no number of epochs"},
      {"multistep:80,x:0.1", "\"x\" is no epoch"},
      {"multistep:120,80", "epochs must be above 0 and increase, got 80"},
      {"plateau:0.5:2.5", "\"2.5\" is no whole number of epochs"},
      {"cosine:2", "the lowest factor must lie from 0 to 1, got 2"},
      {"warmup", "warmup is written warmup:EPOCHS, for example warmup:5,cosine"},
      {"warmup:5,warmup:3,cosine", "one warmup is enough"},
      {"warmup:5,", "unknown schedule \"\""},
      {"warmup:-1,cosine", "must be 0 or more, got -1"},
      {"constant:1", "constant is written constant"}};
  for (const BadText& bad : cases) {
    try {
      parse(bad.text);
      ADD_FAILURE() << bad.text << " was taken";
    } catch (const UsageError& error) {
      EXPECT_THAT(error.what(), HasSubstr(bad.message));
      EXPECT_THAT(error.what(), testing::StartsWith(std::string("schedule \"") + bad.text + "\": "));
    }
  }
}

}  // namespace
}  // namespace ocellus::schedule
