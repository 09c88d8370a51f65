#include <gmock/gmock.h>

#include <ocellus/base/error.h>
#include <ocellus/io/format.h>

#include "io/support.h"

namespace ocellus {
namespace {

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

}  // namespace
}  // namespace ocellus
