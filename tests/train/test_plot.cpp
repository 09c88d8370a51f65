#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgcodecs.hpp>

#include <ocellus/base/error.h>
#include <ocellus/train/plot.h>

#include "tensor/files.h"

namespace ocellus {
namespace {

using testing_files::message_of;
using testing_files::TemporaryFolder;

History run(int epochs) {
  History h;
  for (int i = 0; i < epochs; ++i)
    h.add(i, {{"loss", 0.35 * std::exp(-i / 3.0) + 0.012},
              {"accuracy", 0.995 - 0.11 * std::exp(-i / 2.5)},
              {"val_loss", 0.18 * std::exp(-i / 2.0) + 0.032 + 0.0008 * i + 0.004 * std::sin(3 * i)},
              {"val_accuracy", 0.989 - 0.045 * std::exp(-i / 2.0) + 0.001 * std::sin(2 * i)}});
  return h;
}

/// Number of pixels near a colour given as 0xRRGGBB.
int pixels_of(const cv::Mat& image, int hex) {
  const cv::Scalar c(hex & 255, hex >> 8 & 255, hex >> 16);
  cv::Mat mask;
  cv::inRange(image, c - cv::Scalar(12, 12, 12), c + cv::Scalar(12, 12, 12), mask);
  return cv::countNonZero(mask);
}

class Plot : public testing::Test {
 protected:
  cv::Mat read() const { return cv::imread(path_.string()); }
  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "plot.png";
};

TEST_F(Plot, CurvesShowTrainingAndValidation) {
  plot_curves(run(12), path_);
  const cv::Mat image = read();
  ASSERT_EQ(image.size(), cv::Size(1200, 480));
  for (const int half : {0, 600}) {
    const cv::Mat part = image(cv::Rect(half, 0, 600, 480));
    EXPECT_GT(pixels_of(part, 0x2563eb), 300) << half;
    EXPECT_GT(pixels_of(part, 0xf97316), 300) << half;
  }
}

TEST_F(Plot, CurvesTakeOddHistories) {
  plot_curves(run(1), path_);
  EXPECT_GT(pixels_of(read(), 0x2563eb), 20);
  History h;
  for (int i = 0; i < 200; ++i) h.add(i, {{"loss", i == 100 ? NAN : 1e6 / (i + 1)}});
  plot_curves(h, path_);
  EXPECT_GT(pixels_of(read(), 0x2563eb), 300);
  EXPECT_EQ(pixels_of(read(), 0xf97316), 0);
  History nan;
  nan.add(0, {{"loss", NAN}, {"accuracy", INFINITY}});
  plot_curves(nan, path_);
  EXPECT_EQ(read().cols, 1200);
  EXPECT_THROW(plot_curves(History(), path_), UsageError);
  EXPECT_THROW(plot_curves(run(2), folder_ / "no/such.png"), IoError);
}

TEST_F(Plot, ConfusionIsDarkWhereTheCountsAre) {
  metric::ConfusionMatrix m(10);
  for (int64_t c = 0; c < 10; ++c) {
    m.add(c, c, 970);
    m.add(c, (c + 3) % 10, 12);
  }
  plot_confusion(m, {}, path_);
  const cv::Mat image = read();
  EXPECT_NEAR(pixels_of(image, 0x1e40af), 10 * 64 * 64, 10 * 64 * 20);
  EXPECT_THAT(message_of<UsageError>([&] { plot_confusion(m, {"a"}, path_); }),
              testing::HasSubstr("1 names for 10 classes"));
}

TEST_F(Plot, ConfusionTakesAnyNumberOfClasses) {
  for (const int64_t n : {1, 2, 37, 300}) {
    metric::ConfusionMatrix m(n, std::vector<std::string>(static_cast<size_t>(n), "long-haired dåchshund (brown)"));
    plot_confusion(m, {}, path_);
    EXPECT_GE(read().cols, 320) << n;
    EXPECT_LE(read().cols, 1000) << n;
  }
}

}  // namespace
}  // namespace ocellus
