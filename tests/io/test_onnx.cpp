// ONNX files: real ones with the outputs that belong to them, small ones of what real ones lack, and damaged ones.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

#include <ocellus/data/image.h>
#include <ocellus/io/conformance.h>
#include <ocellus/io/format.h>

#include "io/support.h"
#include "tensor/files.h"

namespace ocellus {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing_files::message_of;
using testing_files::read_text;
using testing_files::TemporaryFolder;
using testing_files::write_text;
using testing_io::largest_difference;
using testing_io::use_fixed_algorithms;
using testing_io::weights;

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(OCELLUS_TEST_DATA) / "onnx" / name;
}

Model real(const std::filesystem::path& path) {
  Model model = io::read_model(path);
  use_fixed_algorithms(model);
  return model;
}

TEST(OnnxReal, squeezenet_gives_its_origins_logits) {
  const auto folder = weights("squeezenet1.1-imagenet");
  SKIP_WITHOUT(folder);
  const Model model = real(folder / "squeezenet1.1-reassembled.onnx");
  EXPECT_EQ(model.count_parameters(), 1'235'496);
  for (const char* set : {"0", "1", "2"}) {
    const Tensor x = read_npy(folder / "test_data_set" / set / "input_0.npy");
    EXPECT_LE(largest_difference(model.predict(x), read_npy(folder / "test_data_set" / set / "output_0.npy")), 1e-3);
  }
}

TEST(OnnxReal, cntks_digits_are_told_one_by_one_and_as_a_batch) {
  const auto folder = weights("mnist-cntk-onnx");
  SKIP_WITHOUT(folder);
  const Model model = real(folder / "mnist.onnx");
  const Tensor digits = read_npy(folder / "input.npy"), expected = read_npy(folder / "expected.npy");
  EXPECT_LE(largest_difference(model.predict(digits), expected), 1e-2);  // logits reach into the thousands
  EXPECT_LE(largest_difference(model.predict(digits.rows(3, 4)), expected.rows(3, 4)), 1e-2);
}

TEST(OnnxReal, ultraface_finds_the_face) {
  const auto folder = weights("ultraface-rfb-320");
  SKIP_WITHOUT(folder);
  Model model = real(folder / "version-RFB-320.onnx");
  EXPECT_THAT(model.output_names(), ElementsAre("scores", "boxes"));
  const data::Image image = data::load_image(folder / "input.png");
  Tensor x(DType::f32, {1, 3, 240, 320});
  for (int y = 0; y < 240; ++y)
    for (int c = 0; c < 3; ++c)
      for (int i = 0; i < 320; ++i)
        x.as<float>()[static_cast<size_t>((c * 240 + y) * 320 + i)] =
            (static_cast<float>(image.at(i, y)[c]) - 127) / 128;
  const auto found = model.predict(std::vector<Tensor>{x}, {"scores", "boxes"});
  EXPECT_LE(largest_difference(found[0], read_npy(folder / "expected_scores.npy")), 1e-4);
  EXPECT_LE(largest_difference(found[1], read_npy(folder / "expected_boxes.npy")), 1e-4);
}

class OnnxGolden : public testing::TestWithParam<std::string> {};

TEST_P(OnnxGolden, gives_what_onnx_runtime_gives) {
  for (const char* backend : {"onednn", "reference"}) {
    const auto result = io::check_conformance(
        golden(GetParam()), {.backend = make_backend(backend, {.algorithms = Algorithms::standard}), .absolute = 1e-5});
    EXPECT_EQ(result.outcome, io::Outcome::passed) << backend << ": " << result.reason;
  }
}

INSTANTIATE_TEST_SUITE_P(Onnx, OnnxGolden,
                         testing::Values("bytes_by_operators", "bytes_by_pairs", "computed_shapes", "external_weights",
                                         "half_precision", "matrices", "normalisations", "recurrences", "resizes",
                                         "transposed_convolutions", "versions_10", "versions_7"),
                         [](const auto& info) { return info.param; });

TEST(OnnxImport, an_open_batch_takes_any_number_of_samples) {
  Model model = real(golden("computed_shapes") / "model.onnx");
  EXPECT_EQ(model.graph().inputs[0].shape(), Shape({any_dim, 2, 4, 5}));
  EXPECT_EQ(model.graph().outputs[0].shape(), Shape({any_dim, 80}));
  EXPECT_EQ(model.predict(Tensor(DType::f32, {7, 2, 4, 5})).shape(), Shape({7, 80}));
}

TEST(OnnxImport, weights_are_parameters_that_learn_and_freeze) {
  Model model = real(golden("matrices") / "model.onnx");
  std::vector<std::string> paths;
  for (const ParameterPtr& p : model.parameters()) paths.push_back(p->path());
  EXPECT_THAT(paths, ::testing::IsSupersetOf({"gemm/3/kernel", "gemm/3/bias", "matmul/11/kernel", "add13/bias"}));
  EXPECT_THAT(model.summary(), HasSubstr("gemm/3 (Dense)"));
  model.trainable("gemm", false);
  EXPECT_FALSE(model.parameters()[0]->learns());
}

TEST(OnnxImport, an_imported_model_is_saved_as_our_own_and_computes_the_same) {
  const TemporaryFolder folder;
  const Model model = real(golden("transposed_convolutions") / "model.onnx");
  model.save(folder / "m.safetensors");
  Model again = Model::load(folder / "m.safetensors");
  use_fixed_algorithms(again);
  const Tensor x = Tensor::full(DType::f32, {1, 4, 3, 4}, 0.5);
  EXPECT_EQ(largest_difference(again.predict(x), model.predict(x)), 0);
}

TEST(OnnxImport, inspect_lists_nodes_and_tensors) {
  const io::FileContent content = io::inspect_model(golden("matrices") / "model.onnx");
  EXPECT_THAT(content.metadata, ::testing::Contains(std::pair<std::string, std::string>("opset", "13")));
  EXPECT_THAT(content.metadata, ::testing::Contains(std::pair<std::string, std::string>("input x", "float[N,6]")));
  ASSERT_FALSE(content.layers.empty());
  EXPECT_EQ(content.layers[0].kind, "Gemm");
  EXPECT_EQ(content.tensors[0].shape, (std::vector<int64_t>{5, 6}));
}

// A file that is cut short is an error at every length, and never anything else than one of ours.
TEST(OnnxDamaged, cut_files_are_refused) {
  const TemporaryFolder folder;
  for (const char* name : {"matrices", "recurrences"}) {
    const std::string whole = read_text(golden(name) / "model.onnx");
    for (size_t percent = 0; percent < 100; ++percent) {
      write_text(folder / "cut.onnx", std::string_view(whole).substr(0, whole.size() * percent / 100));
      EXPECT_THROW(io::read_model(folder / "cut.onnx"), Error) << percent;
    }
  }
}

}  // namespace
}  // namespace ocellus
