#include <gmock/gmock.h>

#include <ocellus/base/error.h>
#include <ocellus/io/format.h>
#include <ocellus/nn/layers/batch_norm.h>
#include <ocellus/nn/layers/conv.h>
#include <ocellus/nn/layers/conv_transpose.h>
#include <ocellus/nn/layers/dense.h>
#include <ocellus/nn/layers/flatten.h>
#include <ocellus/nn/layers/local_response_norm.h>
#include <ocellus/nn/layers/prelu.h>
#include <ocellus/nn/layers/softmax.h>
#include <ocellus/zoo/zoo.h>

#include "io/keras_files.h"
#include "io/support.h"
#include "tensor/files.h"

namespace ocellus {
namespace {

using ::testing::HasSubstr;
using testing_files::TemporaryFolder;
using testing_io::largest_difference;
using testing_io::use_fixed_algorithms;
using testing_io::weights;

/// [N,H,W,C] as [N,C,H,W], of one channel.
Tensor of_one_channel(const Tensor& t) { return t.reshape({t.shape()[0], 1, t.shape()[1], t.shape()[2]}); }

TEST(Keras, mini_xception_of_keras_2_reads_faces) {
  const auto folder = weights("fer2013-mini-xception-keras");
  SKIP_WITHOUT(folder);
  Model model = io::read_model(folder / "fer2013_mini_XCEPTION.102-0.66.hdf5");
  use_fixed_algorithms(model);
  const Tensor y = model.predict(of_one_channel(read_npy(folder / "input.npy")));
  EXPECT_LT(largest_difference(y, read_npy(folder / "expected.npy")), 1e-4);
  EXPECT_NEAR(y.at(3), 0.997, 1e-3);
}

TEST(Keras, the_cnn_of_keras_3_reads_digits) {
  const auto folder = weights("mnist-cnn-keras3");
  SKIP_WITHOUT(folder);
  Model model = io::read_model(folder / "model.keras");
  use_fixed_algorithms(model);
  const Tensor y = model.predict(of_one_channel(read_npy(folder / "input.npy")));
  EXPECT_LT(largest_difference(y, read_npy(folder / "expected.npy")), 1e-4);
}

/// A model written for Keras and read again gives the same; tools/check_keras.py asks Keras itself.
void expect_round_trip(Model model, const std::string& ending) {
  use_fixed_algorithms(model);
  const TemporaryFolder folder;
  const auto file = folder / ("m" + ending);
  io::write_model(model, file);
  Model again = io::read_model(file);
  use_fixed_algorithms(again);
  Tensor x(DType::f32, model.graph().inputs[0].shape().with(0, 2));
  Rng rng(7);
  for (float& v : x.as<float>()) v = rng.normal();
  const Tensor wanted = model.predict(x), got = again.predict(x);
  ASSERT_EQ(got.shape(), wanted.shape()) << model.name() << ending;
  EXPECT_LT(largest_difference(got, wanted), 1e-5) << model.name() << ending;
  EXPECT_EQ(again.preprocess(), model.preprocess());
  EXPECT_EQ(again.class_names(), model.class_names());
}

/// Padding that Keras has no word for, an activation that it has no word for, a transposed convolution that is cropped.
Model odd_network() {
  const Value x = nn::input({3, 9, 8});
  Value y = nn::Conv2D(
      {.filters = 4, .kernel = {3, 2}, .stride = 2, .padding = Padding({1, 2}, {0, 1}), .activation = scaled_tanh})(x);
  y = nn::PReLU({.name = "p"})(nn::BatchNorm({.epsilon = 0.1, .epsilon_outside = true, .name = "block/norm"})(y));
  y = nn::Conv2DTranspose({.filters = 2, .stride = 2, .padding = Padding(1), .activation = relu})(y);
  y = nn::Dense({.units = 5})(nn::Flatten()(y));
  return Model({x}, {nn::Softmax()(y)}, {.name = "odd"});
}

TEST(Keras, what_is_written_is_read_again) {
  for (const std::string ending : {".keras", ".h5"}) {
    for (const char* name : {"lenet5", "resnet20", "nin"}) {
      Model model = zoo::create(name);
      model.set_class_names({"a", "b"});
      expect_round_trip(model, ending);
    }
    expect_round_trip(odd_network(), ending);
  }
}

TEST(Keras, what_keras_has_no_layer_for_is_told_at_once) {
  const Value x = nn::input({4, 5, 5});
  Value y = nn::LocalResponseNorm({.name = "first"})(x);
  y = nn::LocalResponseNorm({.name = "second"})(nn::Conv2D({.filters = 4, .name = "between"})(y));
  const TemporaryFolder folder;
  try {
    io::write_model(Model({x}, {y}), folder / "m.keras");
    FAIL();
  } catch (const Unsupported& e) {
    EXPECT_THAT(e.what(), HasSubstr("local_response_norm (2: first, second)"));
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "m.keras"));
}

}  // namespace
}  // namespace ocellus
