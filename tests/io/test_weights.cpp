// Arrays of other programs in networks of the zoo.
#include <gmock/gmock.h>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/base/file.h>
#include <ocellus/data/image.h>
#include <ocellus/io/weights.h>
#include <ocellus/tensor/safetensors.h>

#include "io/support.h"
#include "tensor/files.h"

namespace ocellus {
namespace {

using ::testing::HasSubstr;
using testing_io::largest_difference;
using testing_io::use_fixed_algorithms;
using testing_io::weights;

/// A network of the zoo with all of a file's arrays in it.
Model complete(const std::filesystem::path& file, const std::string& network, const zoo::ZooConfig& config = {}) {
  io::LoadedWeights loaded = io::read_weights(file, network, {.network = config});
  EXPECT_TRUE(loaded.report.complete()) << loaded.report.text();
  EXPECT_TRUE(loaded.report.unused.empty()) << loaded.report.text();
  use_fixed_algorithms(loaded.model);
  return loaded.model;
}

Tensor seen(const Model& model, const std::filesystem::path& image) {
  return data::apply(model.preprocess(), data::load_image(image));
}

TEST(Weights, squeezenet_by_mxnets_names) {
  const auto folder = weights("squeezenet1.1-imagenet");
  SKIP_WITHOUT(folder);
  const Model model = complete(folder / "squeezenet1.1.safetensors", "squeezenet");
  for (const int i : {0, 1, 2}) {
    const auto set = folder / "test_data_set" / std::to_string(i);
    EXPECT_LT(largest_difference(model.predict(read_npy(set / "input_0.npy")), read_npy(set / "output_0.npy")), 2e-3)
        << i;
  }
  EXPECT_NEAR(model.probabilities(seen(model, folder / "input_dog.png")).at(537), 0.5975, 1e-3);
}

TEST(Weights, mobilenet_by_kerass_names) {
  const auto folder = weights("mobilenet-v1-0.25-224-imagenet");
  SKIP_WITHOUT(folder);
  const Model model = complete(folder / "mobilenet_v1_0.25_224.safetensors", "mobilenet-0.25");
  for (const std::string name : {"dog", "eagle", "chelsea"}) {
    const Tensor p = model.probabilities(seen(model, folder / ("input_" + name + ".png")));
    EXPECT_LT(largest_difference(p, read_npy(folder / ("expected_" + name + ".npy"))), 1e-4) << name;
  }
}

TEST(Weights, residual_networks_for_cifar_by_pytorchs_names) {
  for (const std::string depth : {"20", "56"}) {
    const auto folder = weights("cifar10-resnet" + depth);
    SKIP_WITHOUT(folder);
    const auto file = folder / ("cifar10-resnet" + depth + ".safetensors");
    io::LoadedWeights loaded = io::read_weights(file, "resnet" + depth);
    EXPECT_TRUE(loaded.report.complete()) << loaded.report.text();
    use_fixed_algorithms(loaded.model);
    EXPECT_LT(
        largest_difference(loaded.model.predict(read_npy(folder / "input.npy")), read_npy(folder / "expected.npy")),
        1e-3);
    EXPECT_EQ(loaded.model.preprocess().mean, (std::vector<float>{0.485f, 0.456f, 0.406f}));
  }
}

TEST(Weights, mobilefacenet_knows_a_face_again) {
  const auto folder = weights("mobilefacenet");
  SKIP_WITHOUT(folder);
  const Model model = complete(folder / "mobilefacenet.safetensors", "mobilefacenet");
  const Tensor expected = read_npy(folder / "expected.npy");
  EXPECT_LT(largest_difference(model.predict(seen(model, folder / "input_a.png")), expected.rows(0, 1)), 1e-3);
  EXPECT_LT(largest_difference(model.predict(seen(model, folder / "input_b_flipped_dimmed.png")), expected.rows(1, 2)),
            1e-3);
}

TEST(Weights, fast_style_paints_the_wave) {
  const auto folder = weights("fast-style-wave");
  SKIP_WITHOUT(folder);
  const Model model = complete(folder / "wave.safetensors", "fast-style", {.input = {3, 128, 128}});
  const Tensor y = model.predict(seen(model, folder / "input.png"));
  EXPECT_LT(largest_difference(y, read_npy(folder / "expected.npy")), 0.02);  // of 0 to 255
}

TEST(Weights, a_map_of_ones_own_and_what_is_told_of_the_rest) {
  const testing_files::TemporaryFolder folder;
  Tensor stem(DType::f32, {5, 5, 1, 6});
  for (int64_t i = 0; i < stem.numel(); ++i) stem.as<float>()[static_cast<size_t>(i)] = static_cast<float>(i);
  write_safetensors(
      folder / "w.safetensors",
      {.metadata = {}, .tensors = {{"stem.w", stem}, {"conv2d.bias", Tensor(DType::f32, {7})}, {"odd", stem}}});
  write_atomically(folder / "m.json", R"({"layout": "channels_last", "names": {"conv2d/kernel": "stem.w"}})");
  const io::LoadedWeights loaded = io::read_weights(folder / "w.safetensors", "lenet5", {.map = folder / "m.json"});
  EXPECT_FALSE(loaded.report.complete());
  const std::string text = loaded.report.text();
  EXPECT_THAT(text, HasSubstr("not used: odd [5,5,1,6]"));
  EXPECT_THAT(text, HasSubstr("[7] has another shape"));
  EXPECT_THAT(text, HasSubstr("is missing"));
  const Tensor kernel = loaded.model.value("conv2d/kernel").node().as<ParameterOp>()->parameter->value();
  EXPECT_EQ(kernel.at(25), stem.at(1)) << "filter 1, first position";
  EXPECT_EQ(kernel.at(1), stem.at(6)) << "filter 0, second position";
  write_atomically(folder / "wrong.json", R"({"names": {"conv3d/kernel": "stem.w"}})");
  EXPECT_THROW(io::read_weights(folder / "w.safetensors", "lenet5", {.map = folder / "wrong.json"}), UsageError);
  write_atomically(folder / "cut.json", R"({"names": {"conv2d/)");
  EXPECT_THROW(io::read_weights(folder / "w.safetensors", "lenet5", {.map = folder / "cut.json"}), FormatError);
}

}  // namespace
}  // namespace ocellus
