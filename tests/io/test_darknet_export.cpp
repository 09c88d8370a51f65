// Models of our own as darknet's files: read back they compute the same.
#include <gmock/gmock.h>

#include <ocellus/nn/layers/activation.h>
#include <ocellus/nn/layers/add.h>
#include <ocellus/nn/layers/batch_norm.h>
#include <ocellus/nn/layers/concat.h>
#include <ocellus/nn/layers/conv.h>
#include <ocellus/nn/layers/conv_transpose.h>
#include <ocellus/nn/layers/dense.h>
#include <ocellus/nn/layers/dropout.h>
#include <ocellus/nn/layers/flatten.h>
#include <ocellus/nn/layers/global_pool.h>
#include <ocellus/nn/layers/max_pool.h>
#include <ocellus/nn/layers/softmax.h>
#include <ocellus/nn/layers/space_to_depth.h>
#include <ocellus/zoo/zoo.h>

#include "darknet_files.h"

namespace ocellus {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing_darknet::some_numbers;
using testing_files::message_of;
using testing_files::read_text;
using testing_files::TemporaryFolder;

/// Statistics as training leaves them, so that a normalisation does something.
void shake(const Model& model) {
  for (const ParameterPtr& p : model.parameters()) {
    if (p->name() != "moving_mean" && p->name() != "moving_variance" && p->name() != "bias" && p->name() != "beta")
      continue;
    auto numbers = some_numbers(p->shape().numel());
    for (float& v : numbers) v = p->name() == "moving_variance" ? v + 1 : v / 4;
    p->set_value(Tensor::of(p->shape(), numbers));
  }
}

/// Of a picture in 0..1, through each model's own preprocessing.
void expect_same(const Model& model, const Model& back, double tolerance) {
  const Shape shape = model.graph().inputs[0].shape();
  data::Image image(static_cast<int>(shape[3]), static_cast<int>(shape[2]), static_cast<int>(shape[1]));
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<uint8_t>(i * 31 % 256);
  const auto outputs = [&](const Model& m) { return m.predict(data::apply(m.preprocess(), image)); };
  const Tensor a = outputs(model), b = outputs(back);
  ASSERT_EQ(a.numel(), b.numel());
  for (int64_t i = 0; i < a.numel(); ++i) ASSERT_NEAR(a.at(i), b.at(i), tolerance) << i;
}

Model through_files(const Model& model) {
  const TemporaryFolder folder;
  io::write_model(model, folder / "net.weights");
  return io::read_model(folder / "net.cfg");
}

data::Preprocess imagenet(int side) {
  return {.channels = 3,
          .colour = data::ColourOrder::bgr,
          .height = side,
          .width = side,
          .mean = {0.485f, 0.456f, 0.406f},
          .std = {0.229f, 0.224f, 0.225f}};
}

TEST(DarknetExport, a_network_of_our_own_with_preprocessing_of_its_own) {
  const Value x = nn::input({3, 32, 32});
  Value y = nn::Conv2D({.filters = 8, .kernel = 3, .padding = same})(x);
  y = nn::BatchNorm({.epsilon = 1e-3})(y);
  const Value shared = nn::Activation(leaky_relu(0.1))(y);
  Value a = nn::Conv2D({.filters = 8, .kernel = 3, .padding = same, .groups = 2, .activation = relu})(shared);
  a = nn::Add({.activation = relu})({shared, a});
  const Value b = nn::BatchNorm({.epsilon = 2e-5, .epsilon_outside = true})(shared);  // not behind a convolution alone
  y = nn::Concat()({a, b, shared});
  y = nn::MaxPool2D({.size = 3, .stride = 2, .padding = same})(y);
  y = nn::SpaceToDepth({.block = 2, .order = BlockOrder::darknet})(y);
  y = nn::Dropout({.rate = 0.25})(y);
  y = nn::Flatten()(y);
  y = nn::Dense({.units = 12, .activation = tanh_})(y);
  y = nn::BatchNorm()(nn::Dense({.units = 5})(y));
  Model model({x}, {nn::Softmax()(y)}, {.seed = 3});
  shake(model);
  model.set_preprocess(imagenet(32));
  const Model back = through_files(model);
  EXPECT_EQ(back.preprocess().mean, std::vector<float>());
  expect_same(model, back, 1e-5);
  // And from there on the files are what they are.
  const TemporaryFolder folder;
  io::write_model(back, folder / "a.cfg");
  io::write_model(io::read_model(folder / "a.cfg"), folder / "b.cfg");
  EXPECT_EQ(read_text(folder / "a.cfg"), read_text(folder / "b.cfg"));
  EXPECT_TRUE(read_text(folder / "a.weights") == read_text(folder / "b.weights"));
}

TEST(DarknetExport, networks_of_the_zoo) {
  for (const std::string name : {"resnet18", "squeezenet", "lenet5"}) {
    const Model model = zoo::create(name, {.classes = 6, .input = name == "lenet5" ? Shape() : Shape{3, 64, 64}});
    shake(model);
    expect_same(model, through_files(model), 2e-3);
  }
}

TEST(DarknetExport, lists_all_that_darknet_has_no_section_for) {
  const Value x = nn::input({3, 8, 8});
  Value y = nn::Conv2DTranspose({.filters = 2, .kernel = 2, .stride = 2, .name = "up"})(x);
  const Value z = nn::Conv2D({.filters = 2, .kernel = 2, .padding = same, .name = "odd"})(x);
  const Model model({x}, {nn::Concat()({nn::MaxPool2D({.size = 2})(y), z})});
  const TemporaryFolder folder;
  EXPECT_THAT(message_of<Unsupported>([&] { io::write_model(model, folder / "net.cfg"); }),
              AllOf(HasSubstr("no section for"), HasSubstr("up"), HasSubstr("odd")));
  EXPECT_EQ(folder.files(), 0u);
}

TEST(DarknetExport, a_trained_network_keeps_its_text) {
  const TemporaryFolder folder;
  const std::string cfg = testing_darknet::net(1, 4, 4) +
                          "# d\xe9"
                          "j\xe0 vu\n[convolutional]\nfilters=2\nactivation=relu\n";
  Model model = testing_darknet::network(cfg, some_numbers(4));
  model.save(folder / "own.safetensors");
  model = io::read_model(folder / "own.safetensors");
  model.parameters()[0]->set_value(Tensor::full(DType::f32, model.parameters()[0]->shape(), 3));
  io::write_model(model, folder / "net.cfg");
  EXPECT_EQ(read_text(folder / "net.cfg"), cfg);
  EXPECT_EQ(io::read_model(folder / "net.cfg").parameters()[0]->value().at(0), 3);
  EXPECT_EQ(read_text(folder / "net.weights").substr(0, 20), testing_darknet::weights_file({}));
}

TEST(DarknetExport, a_detector_without_its_text_keeps_its_boxes) {
  const std::string convolution = "[convolutional]\nfilters=14\nactivation=linear\n";
  const std::vector<std::string> heads = {
      "[yolo]\nmask=2,0\nanchors=1,2,3,4,5,6\nclasses=2\nnum=3\nscale_x_y=1.05\nnew_coords=1\n",
      "[region]\nanchors=1,2,0.5,0.25\nclasses=2\nnum=2\nsoftmax=1\n"};
  for (const std::string& head : heads) {
    const std::string cfg =
        testing_darknet::net(3, 8, 8) + convolution + head + "[route]\nlayers=0\n" + convolution + head;
    Model model = testing_darknet::network(cfg);
    model.set_metadata("darknet/cfg", "");
    const Model back = through_files(model);
    EXPECT_EQ(back.metadata().at("detector"), model.metadata().at("detector")) << head;
    EXPECT_EQ(back.graph().outputs.size(), 2u);
    expect_same(model, back, 1e-6);
  }
}

TEST(DarknetExport, yolov4_tiny_has_the_published_number_of_weights) {
  const auto conv = [](int filters, int size, int stride = 1) {
    return fmt::format("[conv]\nbatch_normalize=1\nfilters={}\nsize={}\nstride={}\npad=1\nactivation=leaky\n", filters,
                       size, stride);
  };
  const auto head = [](const std::string& mask) {
    return "[conv]\nfilters=255\nactivation=linear\n[yolo]\nmask=" + mask +
           "\nanchors=10,14, 23,27, 37,58, 81,82, 135,169, 344,319\nclasses=80\nnum=6\nscale_x_y=1.05\n";
  };
  std::string cfg = testing_darknet::net(3, 416, 416) + conv(32, 3, 2) + conv(64, 3, 2);
  for (const int filters : {64, 128, 256})
    cfg += conv(filters, 3) + "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n" + conv(filters / 2, 3) +
           conv(filters / 2, 3) + "[route]\nlayers=-1,-2\n" + conv(filters, 1) +
           "[route]\nlayers=-6,-1\n[maxpool]\nsize=2\nstride=2\n";
  cfg += conv(512, 3) + conv(256, 1) + conv(512, 3) + head("3,4,5") + "[route]\nlayers=-4\n" + conv(128, 1) +
         "[upsample]\nstride=2\n[route]\nlayers=-1,23\n" + conv(256, 3) + head("1,2,3");
  const TemporaryFolder folder;
  testing_files::write_text(folder / "net.cfg", cfg);
  const io::FileContent content = io::inspect_model(folder / "net.cfg");
  uint64_t bytes = 20;
  for (const io::FileTensor& t : content.tensors) bytes += t.bytes;
  EXPECT_EQ(bytes, 24'251'276u);  // yolov4-tiny.weights
  EXPECT_EQ(content.layers.size(), 39u);
}

}  // namespace
}  // namespace ocellus
