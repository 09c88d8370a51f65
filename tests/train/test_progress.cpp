#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <sstream>

#include <ocellus/train/interrupt.h>
#include <ocellus/train/progress.h>

namespace ocellus {
namespace {

using testing::HasSubstr;
using testing::Not;

/// The text as a terminal shows it: without colours and erasures.
std::string visible(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b')
      while (text[i] != 'm' && text[i] != 'K') ++i;
    else
      out += text[i];
  }
  return out;
}

struct Screen {
  std::ostringstream text;
  double now = 0;
  ProgressConfig config(bool live, int columns = 200) {
    return {.out = &text, .live = live, .columns = columns, .clock = [this] { return now; }};
  }
};

const std::string full_bar = "━━━━━━━━━━━━━━━━━━━━";

TEST(Progress, ALogFileGetsOneLineAnEpoch) {
  Screen screen;
  Progress progress(screen.config(false));
  progress.on_train_begin({.epochs = 3, .steps_per_epoch = 469});
  progress.on_epoch_begin({.epoch = 2, .epochs = 3});
  const Logs running = {{"loss", 1}};
  for (int64_t b = 0; b < 469; ++b) {
    screen.now += 0.006;
    progress.on_batch_end({.epoch = 2, .batch = b, .batches = 469, .step = b, .logs = running});
  }
  screen.now = 3.2;
  progress.on_epoch_end({.epoch = 2, .epochs = 3, .logs = {{"accuracy", 0.97131}, {"loss", 0.00005}, {"val_loss", 0}}});
  EXPECT_EQ(screen.text.str(),
            "Epoch 3/3 - 469/469 - 3s 6ms/step - accuracy: 0.9713 - loss: 5.0000e-05 - val_loss: 0.0000\n");
}

TEST(Progress, ANaNHasNoSign) {
  Screen screen;
  Progress progress(screen.config(false));
  progress.on_train_begin({.epochs = 1, .steps_per_epoch = 1});
  progress.on_epoch_begin({.epoch = 0, .epochs = 1});
  progress.on_epoch_end({.epoch = 0, .epochs = 1, .logs = {{"loss", std::copysign(NAN, -1)}, {"val_loss", NAN}}});
  EXPECT_THAT(screen.text.str(), HasSubstr(" - loss: nan - val_loss: nan\n"));
}

TEST(Progress, ATerminalGetsKerasBar) {
  Screen screen;
  Progress progress(screen.config(true));
  progress.on_train_begin({.epochs = 3, .steps_per_epoch = 10});
  progress.on_epoch_begin({.epoch = 2, .epochs = 3});
  const Logs logs = {{"accuracy", 0.9713}};
  for (int64_t b = 0; b < 10; ++b) {
    screen.now += 20;
    progress.on_batch_end({.epoch = 2, .batch = b, .batches = 10, .step = b, .logs = logs});
  }
  screen.now += 5;
  progress.on_epoch_end({.epoch = 2, .epochs = 3, .logs = logs});
  const std::string text = visible(screen.text.str());
  EXPECT_THAT(text, testing::StartsWith("Epoch 3/3\n\r 1/10 "));
  EXPECT_THAT(text, HasSubstr("\r 5/10 " + full_bar + " 1:40 20s/step - accuracy: 0.9713"));
  EXPECT_THAT(text, testing::EndsWith("\r10/10 " + full_bar + " 3:25 20s/step - accuracy: 0.9713\n"));
  // At step 5 half of the bar is green.
  EXPECT_THAT(screen.text.str(), HasSubstr("\x1b[32m━━━━━━━━━━\x1b[37m━━━━━━━━━━\x1b[0m"));
}

TEST(Progress, RedrawsTenTimesASecond) {
  Screen screen;
  ProgressBar bar(10'000, screen.config(true));
  for (int64_t i = 1; i <= 10'000; ++i) {
    screen.now = static_cast<double>(i) * 1e-4;
    bar.update(i, {});
  }
  const std::string text = screen.text.str();
  EXPECT_NEAR(static_cast<double>(std::count(text.begin(), text.end(), '\r')), 10, 1);
  EXPECT_THAT(visible(text), HasSubstr("100us/step"));
}

TEST(Progress, ALiveLineFitsTheTerminalAndTheLastIsWhole) {
  Screen screen;
  ProgressBar bar(100, screen.config(true, 50));
  const Logs logs = {{"a_rather_long_name", 1}, {"another_long_name", 2}};
  screen.now = 1;
  bar.update(1, logs);
  std::string line = visible(screen.text.str()).substr(1);
  const auto letters = std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; });
  EXPECT_LT(letters, 50);
  EXPECT_THAT(line, Not(HasSubstr("another")));
  bar.finish(logs);
  EXPECT_THAT(visible(screen.text.str()), testing::EndsWith("another_long_name: 2.0000\n"));
}

TEST(Progress, AStopWithinAnEpochEndsTheLine) {
  Screen screen;
  Progress progress(screen.config(true));
  progress.on_train_begin({.epochs = 1, .steps_per_epoch = 10});
  progress.on_epoch_begin({.epoch = 0, .epochs = 1});
  const Logs logs;
  progress.on_batch_end({.epoch = 0, .batch = 0, .batches = 10, .step = 0, .logs = logs});
  progress.on_train_end();
  EXPECT_EQ(screen.text.str().back(), '\n');
}

TEST(Interrupt, TheFirstSetsAFlag) {
  {
    const InterruptGuard outer;
    const InterruptGuard inner;
    EXPECT_FALSE(inner.requested());
    raise(SIGINT);
    EXPECT_TRUE(inner.requested());
    EXPECT_TRUE(outer.requested());
  }
  const InterruptGuard next;
  EXPECT_FALSE(next.requested());
}

/// How a child that runs f ends: the signal that kills it, or 0.
template <class F>
int death_of(F&& f) {
  const pid_t child = fork();
  if (child == 0) {
    f();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(Interrupt, TheSecondKills) {
  EXPECT_EQ(death_of([] {
              const InterruptGuard guard;
              raise(SIGINT);
            }),
            0);
  EXPECT_EQ(death_of([] {
              const InterruptGuard guard;
              raise(SIGINT);
              raise(SIGINT);
            }),
            SIGINT);
  EXPECT_EQ(death_of([] {
              const InterruptGuard outer;
              {
                const InterruptGuard inner;
                raise(SIGINT);
              }
              raise(SIGINT);
            }),
            SIGINT);
  EXPECT_EQ(death_of([] {
              {
                const InterruptGuard guard;
                raise(SIGINT);
              }
              raise(SIGINT);  // what was installed before is back
            }),
            SIGINT);
}

}  // namespace
}  // namespace ocellus
