#include <gmock/gmock.h>

#include <ocellus/data/open.h>
#include <ocellus/data/sets/yolo_folder.h>

#include "data/support.h"

namespace ocellus::data {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(YoloFolder, gives_images_with_their_boxes) {
  const Scratch folder;
  fs::create_directories(folder / "images/train2017");
  fs::create_directories(folder / "images/val2017");
  fs::create_directories(folder / "labels/train2017");
  for (const char* name : {"images/train2017/b.png", "images/train2017/a.png", "images/val2017/c.png"})
    save_image(folder / name, Image(6, 4, 3, 50));
  folder.write("things.names", "cat\r\ndog\n\n");
  folder.write("labels/train2017/b.txt", "1 0.5 0.5 1 1\n0 .25 .25  0.5 0.5\r\n\n");

  const AnyDataset set = open_dataset(folder.path().string(), Split::train);
  EXPECT_EQ(set.size(), 2);
  EXPECT_THAT(set.class_names(), ElementsAre("cat", "dog"));
  Rng rng(0);
  EXPECT_EQ(set.get(0, rng).target.shape(), (Shape{0, 5}));
  const Sample sample = set.get(1, rng);
  EXPECT_EQ(sample.input.shape(), (Shape{3, 4, 6}));
  const auto rows = sample.target.as<float>();
  EXPECT_THAT(std::vector<float>(rows.begin(), rows.end()), ElementsAre(1, .5f, .5f, 1, 1, 0, .25f, .25f, .5f, .5f));
  EXPECT_EQ(open_dataset(folder.path().string(), Split::validation).size(), 1);
  EXPECT_FALSE(has_split(folder.path().string(), Split::test));
}

TEST(YoloFolder, names_file_and_line_of_what_is_no_box) {
  const Scratch folder;
  fs::create_directories(folder / "images");
  fs::create_directories(folder / "labels");
  save_image(folder / "images/a.png", Image(6, 4, 3, 50));
  const YoloFolder set(folder.path(), Split::train);
  for (const char* line : {"1 0.5 0.5 1", "1 0.5 0.5 1 1 1", "cat 0.5 0.5 1 1", "-1 0.5 0.5 1 1", "0.5 0.5 0.5 1 1",
                           "1 1.5 0.5 1 1", "1 nan 0.5 1 1", "99999999 0.5 0.5 1 1"}) {
    folder.write("labels/a.txt", std::string("0 .5 .5 .5 .5\n") + line);
    EXPECT_THAT(message_of<FormatError>([&] { set.boxes(0); }), HasSubstr("a.txt: line 2")) << line;
  }
}

}  // namespace
}  // namespace ocellus::data
