#include <gmock/gmock.h>

#include <ocellus/base/error.h>
#include <ocellus/base/file.h>
#include <ocellus/data/image.h>
#include <ocellus/data/preprocess.h>
#include <ocellus/io/format.h>

#include "io/support.h"
#include "tensor/files.h"

namespace ocellus {
namespace {

using ::testing::HasSubstr;
using testing_files::TemporaryFolder;
using testing_io::largest_difference;
using testing_io::use_fixed_algorithms;
using testing_io::weights;

/// A picture as [1,C,H,W], (x - mean) / std of 0 to 255.
Tensor picture(const std::filesystem::path& file, float mean, float deviation, data::ColourOrder colour) {
  const Tensor x =
      data::apply({.colour = colour, .scale = 1, .mean = {mean}, .std = {deviation}}, data::load_image(file));
  return x.reshape({1, x.shape()[0], x.shape()[1], x.shape()[2]});
}

TEST(Caffe, ultraface_finds_a_face) {
  const auto folder = weights("ultraface-rfb-320");
  SKIP_WITHOUT(folder);
  Model model = io::read_model(folder / "RFB-320.caffemodel");
  use_fixed_algorithms(model);
  const Tensor x = picture(folder / "input.png", 127, 128, data::ColourOrder::rgb);
  const auto outputs = model.predict(std::vector<Tensor>{x}, {"scores", "boxes"});
  EXPECT_LT(largest_difference(outputs[0], read_npy(folder / "expected_scores.npy")), 1e-4);
  EXPECT_LT(largest_difference(outputs[1], read_npy(folder / "expected_caffe_raw_boxes.npy")), 1e-3);
}

TEST(Caffe, a_hundred_and_six_landmarks) {
  const auto folder = weights("landmark106-caffe");
  SKIP_WITHOUT(folder);
  Model model = io::read_model(folder / "landmark106.prototxt");
  use_fixed_algorithms(model);
  const Tensor y = model.predict(picture(folder / "input.png", 127.5f, 127.5f, data::ColourOrder::bgr));
  EXPECT_LT(largest_difference(y, read_npy(folder / "expected.npy")), 1e-4);
}

/// Protocol buffers as bytes, as far as .caffemodel files need them.
std::string varint(uint64_t n) {
  std::string bytes;
  for (; n >= 0x80; n >>= 7) bytes += static_cast<char>(n | 0x80);
  return bytes + static_cast<char>(n);
}
std::string field(uint64_t number, const std::string& content) {
  return varint(number << 3 | 2) + varint(content.size()) + content;
}
std::string number_field(uint64_t number, uint64_t value) { return varint(number << 3) + varint(value); }
std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}
std::string blob(const std::vector<float>& values) {
  return field(7, field(1, varint(values.size()))) + field(5, floats(values));
}

struct Net {
  TemporaryFolder folder;
  Net(const std::string& text, const std::string& arrays) {
    write_atomically(folder / "n.prototxt", text);
    write_atomically(folder / "n.caffemodel", arrays);
  }
  Model model() const { return io::read_model(folder / "n.prototxt"); }
  std::string refusal() const {
    try {
      model();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
};

const std::string input = R"(input: "data" input_dim: 1 input_dim: 1 input_dim: 4 input_dim: 4 )";

// Windows of 3 with stride 2 on 4 elements: Caffe has a second one, which hangs over the end.
TEST(Caffe, pooling_rounds_up_and_old_layers_are_known) {
  const Net net(
      input +
          R"(layers { name: "p" type: POOLING bottom: "data" top: "p" pooling_param { pool: AVE kernel_size: 3 stride: 2 } }
                           layers { name: "r" type: RELU bottom: "p" top: "p" relu_param { negative_slope: 0.5 } })",
      "");
  Tensor x(DType::f32, {1, 1, 4, 4});
  for (int64_t i = 0; i < 16; ++i) x.as<float>()[static_cast<size_t>(i)] = static_cast<float>(i) - 12;
  const Tensor y = net.model().predict(x);
  ASSERT_EQ(y.shape(), (Shape{1, 1, 2, 2}));
  EXPECT_NEAR(y.at(0), -3.5, 1e-6);  // half of the mean of nine elements
  EXPECT_NEAR(y.at(3), 0.5, 1e-6);   // (10 + 11 + 14 + 15) / 4 - 12: what hangs over does not count
}

TEST(Caffe, batch_norm_and_its_scale_are_one_layer) {
  const std::string text =
      R"(layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 1 dim: 1 } } }
      layer { name: "n" type: "BatchNorm" bottom: "data" top: "n" batch_norm_param { eps: 0 } }
      layer { name: "s" type: "Scale" bottom: "n" top: "n" scale_param { bias_term: true } }
      layer { name: "l" type: "SoftmaxWithLoss" bottom: "n" bottom: "data" top: "loss" })";
  const std::string arrays =
      field(100, field(1, "n") + field(7, blob({2, 4})) + field(7, blob({8, 2})) + field(7, blob({2}))) +
      field(100, field(1, "s") + field(7, blob({10, 20})) + field(7, blob({1, 2})));
  const Net net(text, arrays);
  const Model model = net.model();
  EXPECT_EQ(model.value_names().back(), "n");
  const Tensor y = model.predict(Tensor::of<float>({1, 2, 1, 1}, {3, 5}));
  EXPECT_NEAR(y.at(0), 10 * (3 - 1) / 2.0 + 1, 1e-4);
  EXPECT_NEAR(y.at(1), 20 * (5 - 2) / 1.0 + 2, 1e-4);
}

TEST(Caffe, what_is_not_supported_is_told_at_once) {
  const Net net(input + R"(layer { name: "a" type: "PriorBox" bottom: "data" top: "a" }
                           layer { name: "b" type: "Detect" bottom: "a" top: "b" })",
                "");
  EXPECT_THAT(net.refusal(),
              testing::AllOf(HasSubstr("2 layers"), HasSubstr("PriorBox (1: a)"), HasSubstr("Detect (1: b)")));
}

TEST(Caffe, hostile_files_are_refused) {
  const std::string conv = R"(layer { name: "c" type: "Convolution" bottom: "data" top: "c"
      convolution_param { num_output: 2000000000 kernel_size: 2000000000 } })";
  EXPECT_THAT(Net(input + conv, field(100, field(1, "c") + field(7, blob({1})))).refusal(),
              HasSubstr("settings and input need"));
  EXPECT_THAT(Net(input + conv, "").refusal(), HasSubstr("has no weights"));
  EXPECT_THAT(Net(input + conv, varint(100 << 3 | 2) + varint(uint64_t{1} << 60)).refusal(), HasSubstr("byte"));
  EXPECT_THAT(Net(input, field(100, field(1, "c") + field(7, number_field(1, 1 << 30) + number_field(2, 1) +
                                                                 number_field(3, 1) + number_field(4, 9))))
                  .refusal(),
              HasSubstr("0 numbers for the shape"));
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "a {";
  EXPECT_THAT(Net(deep, "").refusal(), HasSubstr("nested"));
  EXPECT_THAT(Net(input + "layer { name: \"x", "").refusal(), HasSubstr("line 1: a text is not closed"));
  EXPECT_THAT(Net(input + "layer { type: \"ReLU\" bottom: \"nothing\" top: \"y\" }", "").refusal(),
              HasSubstr("which no layer before it gives"));
  EXPECT_THAT(Net("input: \"data\"", "").refusal(), HasSubstr("has no shape"));
}

}  // namespace
}  // namespace ocellus
