// What the program does with a detector: boxes found, drawn and judged.
#include <nlohmann/json.hpp>

#include <ocellus/data/image.h>

#include "support.h"

namespace ocellus {
namespace {

using namespace testing_cli;
using nlohmann::json;

/// A detector of red quarters, as darknet's files: of each quarter's largest red, green and blue the red one decides.
class CliBoxes : public testing::Test {
 protected:
  void SetUp() override {
    write_text(folder_ / "red.cfg",
               "[net]\nwidth=8\nheight=8\nchannels=3\n[maxpool]\nsize=4\nstride=4\npadding=0\n"
               "[convolutional]\nfilters=6\nactivation=linear\n[yolo]\nmask=0\nanchors=4,4\nclasses=1\nnum=1\n");
    write_text(folder_ / "red.names", "red\n");
    std::vector<float> numbers = {0, 0, 0, 0, -10, 10};
    numbers.resize(6 + 18);
    numbers[6 + 4 * 3] = 20;
    std::string bytes("\0\0\0\0\2\0\0\0\5\0\0\0\0\0\0\0\0\0\0\0", 20);
    bytes.append(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float));
    write_text(folder_ / "red.weights", bytes);
  }

  /// 80 x 40 pixels with the left upper quarter red.
  static data::Image picture() {
    data::Image image(80, 40, 3);
    for (int y = 0; y < 20; ++y)
      for (int x = 0; x < 40; ++x) image.at(x, y)[0] = 255;
    return image;
  }

  Outcome ran(const Arguments& arguments) const {
    const Outcome outcome = run(folder_, arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    return outcome;
  }

  TemporaryFolder folder_;
};

TEST_F(CliBoxes, are_found_and_drawn) {
  data::save_image(folder_ / "a.png", picture());
  const json found = json::parse(ran({"predict", "red.cfg", "a.png", "--json", "--draw", "drawn.png"}).out);
  ASSERT_EQ(found.at(0).at("detections").size(), 1u);
  const json& d = found[0]["detections"][0];
  EXPECT_EQ(d.at("class"), "red");
  EXPECT_GT(d.at("score").get<double>(), 0.99);
  const auto box = d.at("box").get<std::vector<double>>();
  EXPECT_THAT(box, testing::Pointwise(testing::DoubleNear(1e-3), {0.0, 0.0, 40.0, 20.0}));
  const data::Image drawn = data::load_image(folder_ / "drawn.png");
  EXPECT_EQ(drawn.width, 80);
  EXPECT_FALSE(drawn == picture());

  EXPECT_THAT(ran({"predict", "red.cfg", "a.png"}).out, testing::ContainsRegex("1\\.000 +red +0 +0 +40 +20"));
  EXPECT_THAT(ran({"predict", "red.cfg", "a.png", "--score", "1"}).out, testing::HasSubstr("a.png: nothing found"));
  ran({"convert", "red.weights", "red.safetensors"});
  EXPECT_EQ(json::parse(ran({"predict", "red.safetensors", "a.png", "--json"}).out), found);
}

TEST_F(CliBoxes, are_judged_against_known_ones) {
  std::filesystem::create_directories(folder_ / "set/images/val");
  std::filesystem::create_directories(folder_ / "set/labels/val");
  data::save_image(folder_ / "set/images/val/a.png", picture());
  data::save_image(folder_ / "set/images/val/b.png", data::Image(30, 30, 3, 0));
  write_text(folder_ / "set/labels/val/a.txt", "0 0.25 0.25 0.5 0.5\n0 0.75 0.75 0.5 0.5\n");
  const json judged = json::parse(ran({"eval", "red.cfg", "--data", "set", "--json"}).out);
  EXPECT_EQ(judged.at("samples"), 2);
  EXPECT_EQ(judged.at("map50"), 0.5);
  EXPECT_EQ(judged.at("right"), 1);
  EXPECT_EQ(judged.at("missed"), 1);
  EXPECT_EQ(judged.at("classes").at(0).at("name"), "red");
  EXPECT_THAT(ran({"eval", "red.cfg", "--data", "set"}).out,
              testing::HasSubstr("mAP@0.5 50.00 % over 1 classes, 2 images"));
  write_text(folder_ / "set/labels/val/b.txt", "0 2 3\n");
  expect_failure(run(folder_, {"eval", "red.cfg", "--data", "set"}), 3, {"b.txt", "line 1", "five numbers"});
}

TEST_F(CliBoxes, options_of_detectors_are_for_detectors) {
  data::save_image(folder_ / "a.png", data::Image(28, 28, 1));
  ran({"convert", "lenet5", "lenet5.safetensors"});
  expect_failure(run(folder_, {"predict", "lenet5.safetensors", "a.png", "--score", "0.5"}), 2,
                 {"--score", "detectors"});
}

}  // namespace
}  // namespace ocellus
