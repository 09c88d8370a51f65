// Darknet's networks with real weights: the outputs that an independent implementation gives, and the way back to a file.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <ocellus/data/image.h>
#include <ocellus/io/format.h>
#include <ocellus/tensor/npy.h>

#include "tensor/files.h"

namespace ocellus {
namespace {

using testing_files::read_text;
using testing_files::TemporaryFolder;

std::filesystem::path shared(const std::string& path) {
  const char* folder = std::getenv("OCELLUS_SHARED");
  return std::filesystem::path(folder != nullptr ? folder : OCELLUS_TEST_DATA "/../../../shared") / "weights" / path;
}

struct RealFile {
  std::string folder, stem;
  std::vector<std::pair<std::string, std::vector<std::string>>> pictures;  ///< a picture and its outputs
  double tolerance;
};

class RealDarknet : public testing::TestWithParam<RealFile> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(path(".cfg"))) GTEST_SKIP() << path(".cfg") << " is not there";
  }
  static std::filesystem::path path(const std::string& ending) {
    return shared(GetParam().folder) / (GetParam().stem + ending);
  }
};

double furthest(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.numel(), b.numel());
  double most = 0;
  for (int64_t i = 0; i < std::min(a.numel(), b.numel()); ++i) most = std::max(most, std::abs(a.at(i) - b.at(i)));
  return most;
}

void expect_outputs(const Model& model, const RealFile& file) {
  for (const auto& [picture, outputs] : file.pictures) {
    const Tensor x = data::apply(model.preprocess(), data::load_image(shared(file.folder) / picture));
    const Tensor batch = x.reshape({1, x.shape()[0], x.shape()[1], x.shape()[2]});
    const auto results = model.predict(std::vector<Tensor>{batch}, model.output_names());
    ASSERT_EQ(results.size(), outputs.size());
    for (size_t i = 0; i < outputs.size(); ++i)
      EXPECT_LT(furthest(results[i], read_npy(shared(file.folder) / outputs[i])), file.tolerance) << outputs[i];
  }
}

TEST_P(RealDarknet, gives_the_expected_numbers) {
  const Model model = io::read_model(path(".cfg"));
  EXPECT_FALSE(model.class_names().empty());
  expect_outputs(model, GetParam());
}

TEST_P(RealDarknet, comes_back_byte_for_byte_also_through_our_own_file) {
  const TemporaryFolder folder;
  io::write_model(io::read_model(path(".weights")), folder / "own.safetensors");
  const Model model = io::read_model(folder / "own.safetensors");
  io::write_model(model, folder / "back.cfg");
  EXPECT_TRUE(read_text(folder / "back.cfg") == read_text(path(".cfg")));
  EXPECT_TRUE(read_text(folder / "back.weights") == read_text(path(".weights")));
  expect_outputs(model, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    All, RealDarknet,
    testing::Values(RealFile{"darknet-tiny-imagenet",
                             "tiny",
                             {{"input_dog.png", {"expected_dog.npy"}},
                              {"input_eagle.png", {"expected_eagle.npy"}},
                              {"input_chelsea.png", {"expected_chelsea.npy"}}},
                             1e-4},
                    RealFile{"yolo-fastest-1.1-coco",
                             "yolo-fastest-1.1",
                             {{"input.png", {"expected_head0.npy", "expected_head1.npy"}}},
                             1e-3},
                    RealFile{
                        "yolo-lite-voc", "tiny-yolov2-trial3-noBatch", {{"input.png", {"expected_head0.npy"}}}, 1e-3}),
    [](const auto& info) {
      return std::string(info.param.folder).substr(0, info.param.folder.find('-')) + std::to_string(info.index);
    });

}  // namespace
}  // namespace ocellus
