#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include <ocellus/vision/average_precision.h>

namespace ocellus::vision {
namespace {

Detection found(int64_t c, float score, const Box& box) { return {.box_class = c, .score = score, .box = box}; }

constexpr Box here = {0, 0, 10, 10}, near_here = {0, 0, 10, 8}, there = {50, 50, 60, 60};

TEST(AveragePrecision, is_the_area_under_precision_by_recall) {
  AveragePrecision p;
  p.add(std::vector{found(0, 0.9f, here), found(0, 0.8f, there), found(0, 0.7f, near_here)},
        std::vector<Truth>{{0, here}, {0, {20, 20, 30, 30}}});
  p.add(std::vector{found(0, 0.6f, here)}, std::vector<Truth>{{0, here}});
  // right, wrong, wrong (the truth is taken), right: recalls 1/3 and 2/3 at precisions 1 and 1/2.
  ASSERT_EQ(p.classes().size(), 1u);
  EXPECT_EQ(p.classes()[0].truths, 3);
  EXPECT_EQ(p.classes()[0].detections, 4);
  EXPECT_NEAR(p.mean(), 1.0 / 3 + 0.5 / 3, 1e-12);
  const DetectionCounts counts = p.at(0.65);
  EXPECT_EQ(counts.right, 1);
  EXPECT_EQ(counts.wrong, 2);
  EXPECT_EQ(counts.missed, 2);
  EXPECT_EQ(counts.mean_iou, 1);
  EXPECT_NEAR(counts.f1(), 2 * 1.0 / (2 + 2 + 2), 1e-12);
}

TEST(AveragePrecision, at_eleven_points) {
  AveragePrecision p({.eleven_points = true});
  p.add(std::vector{found(0, 0.9f, here), found(0, 0.8f, there)}, std::vector<Truth>{{0, here}, {0, {20, 20, 30, 30}}});
  EXPECT_NEAR(p.mean(), 6.0 / 11, 1e-12);  // recall 1/2 at precision 1: the points 0, 0.1 ... 0.5
}

TEST(AveragePrecision, classes_are_apart_and_difficult_truths_do_not_count) {
  AveragePrecision p;
  p.add(std::vector{found(0, 0.9f, here), found(2, 0.8f, here), found(3, 0.7f, there)},
        std::vector<Truth>{{2, here}, {0, here, true}, {1, there}, {0, there}});
  const auto classes = p.classes();
  ASSERT_EQ(classes.size(), 3u);  // class 3 has no truth
  EXPECT_EQ(classes[0].average_precision, 0);
  EXPECT_EQ(classes[0].detections, 0);
  EXPECT_EQ(classes[1].average_precision, 0);
  EXPECT_EQ(classes[2].average_precision, 1);
  EXPECT_EQ(AveragePrecision().mean(), 0);
  EXPECT_EQ(AveragePrecision().at(0).f1(), 0);
}

/// Rows of numbers behind a class's name.
struct Row {
  std::string name;
  std::vector<float> numbers;
};

std::vector<Row> rows_of(const std::filesystem::path& file) {
  std::vector<Row> rows;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    Row row;
    words >> row.name;
    for (float v; words >> v;) row.numbers.push_back(v);
    if (!row.name.empty()) rows.push_back(row);
  }
  return rows;
}

TEST(AveragePrecision, of_a_published_sample) {
  const char* folder = std::getenv("OCELLUS_SHARED");
  const auto data =
      std::filesystem::path(folder != nullptr ? folder : OCELLUS_TEST_DATA "/../../../shared") / "data/map_sample";
  if (!std::filesystem::exists(data)) GTEST_SKIP() << data << " is not there";
  std::map<std::string, int64_t> numbers;
  const auto number = [&](const std::string& name) {
    return numbers.emplace(name, static_cast<int64_t>(numbers.size())).first->second;
  };
  AveragePrecision p({.extent = Extent::inclusive});
  for (const auto& entry : std::filesystem::directory_iterator(data / "ground-truth")) {
    std::vector<Truth> truths;
    std::vector<Detection> detections;
    for (const Row& r : rows_of(entry.path()))
      truths.push_back({number(r.name), {r.numbers.at(0), r.numbers.at(1), r.numbers.at(2), r.numbers.at(3)}});
    for (const Row& r : rows_of(data / "detection-results" / entry.path().filename()))
      detections.push_back(
          found(number(r.name), r.numbers.at(0), {r.numbers.at(1), r.numbers.at(2), r.numbers.at(3), r.numbers.at(4)}));
    p.add(detections, truths);
  }
  EXPECT_NEAR(p.mean(), 0.3031, 5e-4);
}

}  // namespace
}  // namespace ocellus::vision
