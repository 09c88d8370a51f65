#include <gmock/gmock.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <ocellus/base/error.h>
#include <ocellus/base/file.h>

#include "backend/onednn/chooser.h"

namespace ocellus::onednn {
namespace {

constexpr std::array<std::string_view, 3> names = {"slow", "fast", "middling"};

/// Seconds of each name; counts the calls.
struct Clock {
  int calls = 0;
  double operator()(size_t i) {
    ++calls;
    constexpr double seconds[] = {3, 1, 2};
    return seconds[i];
  }
};

/// A folder that goes with the test.
class ChooserFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "ocellus_chooser_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ / "algorithms";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_, path_;
};

TEST(Chooser, TakesTheFastestAndRemembersIt) {
  AlgorithmChooser chooser("");
  Clock clock;
  EXPECT_EQ(chooser.choose("conv 1", names, std::ref(clock)), 1u);
  const int measured = clock.calls;
  EXPECT_GE(measured, 3);
  EXPECT_EQ(chooser.choose("conv 1", names, std::ref(clock)), 1u);
  EXPECT_EQ(clock.calls, measured);
  EXPECT_EQ(chooser.text(), "conv 1 = fast\n");
}

TEST(Chooser, TheFirstWinsNearTies) {
  AlgorithmChooser chooser("");
  EXPECT_EQ(chooser.choose("near", names, [](size_t i) { return i == 0 ? 1.0 : 0.97; }), 0u);
  EXPECT_EQ(chooser.choose("clear", names, [](size_t i) { return i == 0 ? 1.0 : 0.9 - 0.1 * i; }), 2u);
}

TEST(Chooser, RestoredChoicesAreNotMeasuredAgain) {
  AlgorithmChooser chooser("");
  chooser.restore("conv 1 = slow\nconv a = b = middling\n");
  Clock clock;
  EXPECT_EQ(chooser.choose("conv 1", names, std::ref(clock)), 0u);
  EXPECT_EQ(chooser.choose("conv a = b", names, std::ref(clock)), 2u);
  EXPECT_EQ(clock.calls, 0);
  EXPECT_EQ(chooser.text(), "conv 1 = slow\nconv a = b = middling\n");
}

TEST(Chooser, AChoiceThatIsNoLongerOfferedIsMeasuredAgain) {
  AlgorithmChooser chooser("");
  chooser.restore("conv 1 = winograd\n");
  Clock clock;
  EXPECT_EQ(chooser.choose("conv 1", names, std::ref(clock)), 1u);
  EXPECT_EQ(chooser.text(), "conv 1 = fast\n");
}

TEST(Chooser, RefusesATextThatIsNotChoices) {
  AlgorithmChooser chooser("");
  EXPECT_THAT([&] { chooser.restore("conv 1 = slow\nrubbish\n"); },
              testing::ThrowsMessage<FormatError>(
                  "choices of algorithms: line 2: expected \"shape = algorithm\", got \"rubbish\""));
  EXPECT_THROW(chooser.restore("conv 1 = slow"), FormatError) << "the last line was cut";
  EXPECT_EQ(chooser.text(), "") << "nothing of a damaged text is taken";
}

TEST_F(ChooserFile, ChoicesOutliveTheProcess) {
  Clock clock;
  { EXPECT_EQ(AlgorithmChooser(path_).choose("conv 1", names, std::ref(clock)), 1u); }
  const int measured = clock.calls;
  AlgorithmChooser second(path_);
  EXPECT_EQ(second.choose("conv 1", names, std::ref(clock)), 1u);
  EXPECT_EQ(clock.calls, measured);
}

TEST_F(ChooserFile, TwoProcessesAddUp) {
  Clock clock;
  {
    AlgorithmChooser first(path_), second(path_);
    first.choose("conv 1", names, std::ref(clock));
    second.choose("conv 2", names, std::ref(clock));
  }
  EXPECT_EQ(AlgorithmChooser(path_).text(), "conv 1 = fast\nconv 2 = fast\n");
}

TEST_F(ChooserFile, ADamagedCacheIsMeasuredAndWrittenAgain) {
  for (const std::string damaged : {"", "ocellus algorithms 1", "ocellus algorithms 1\nconv 1 = slow\nhalf a li",
                                    "ocellus algorithms 2\nconv 1 = slow\n", "\xff\xfe\x00garbage"}) {
    std::ofstream(path_, std::ios::trunc) << damaged;
    Clock clock;
    { EXPECT_EQ(AlgorithmChooser(path_).choose("conv 1", names, std::ref(clock)), 1u) << damaged; }
    EXPECT_GT(clock.calls, 0) << damaged;
    EXPECT_EQ(read_file(path_), "ocellus algorithms 1\nconv 1 = fast\n");
  }
}

TEST(Chooser, ACacheThatCantBeWrittenIsNoError) {
  Clock clock;
  EXPECT_EQ(AlgorithmChooser("/nonexistent/folder/cache").choose("conv 1", names, std::ref(clock)), 1u);
}

}  // namespace
}  // namespace ocellus::onednn
