// Networks with real weights of other programs: what they see in real photographs.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include <ocellus/backend/backends.h>
#include <ocellus/data/image.h>
#include <ocellus/tensor/npy.h>
#include <ocellus/tensor/safetensors.h>
#include <ocellus/zoo/zoo.h>

namespace ocellus {
namespace {

std::filesystem::path weights(const std::string& folder) {
  const char* shared = std::getenv("OCELLUS_SHARED");
  return std::filesystem::path(shared != nullptr ? shared : OCELLUS_TEST_DATA "/../../../shared") / "weights" / folder;
}

/// Copies a tensor of the file into a parameter, with its dimensions in another order: output i is the file's order[i].
class Copier {
 public:
  Copier(Model model, const std::filesystem::path& file) : model_(std::move(model)), file_(read_safetensors(file)) {}

  void copy(const std::string& parameter, const std::string& name, const std::vector<size_t>& order = {}) {
    const Tensor* source = file_.find(name);
    ASSERT_NE(source, nullptr) << name;
    const ParameterPtr target = model_.value(parameter).node().as<ParameterOp>()->parameter;
    Tensor value = source->clone();
    if (!order.empty()) {
      std::vector<int64_t> dims, strides(order.size(), 1);
      for (size_t i = order.size() - 1; i-- > 0;) strides[i] = strides[i + 1] * source->shape()[i + 1];
      for (const size_t from : order) dims.push_back(source->shape()[from]);
      value = Tensor(DType::f32, Shape(std::span<const int64_t>(dims)));
      for (int64_t i = 0; i < value.shape().numel(); ++i) {
        int64_t rest = i, at = 0;
        for (size_t d = order.size(); d-- > 0; rest /= dims[d]) at += rest % dims[d] * strides[order[d]];
        value.as<float>()[static_cast<size_t>(i)] = source->as<float>()[static_cast<size_t>(at)];
      }
    }
    target->set_value(value.reshape(target->shape()));
    ++copied_;
  }
  /// Whether every parameter and every tensor of the file had its turn.
  bool complete() const { return copied_ == file_.tensors.size() && copied_ == model_.parameters().size(); }

 private:
  Model model_;
  SafetensorsFile file_;
  size_t copied_ = 0;
};

void copy_squeezenet(const Model& model, const std::filesystem::path& file) {
  Copier copier(model, file);
  int number = 0;
  const auto next = [&](const std::string& layer) {
    copier.copy(layer + "/kernel", fmt::format("squeezenet0_conv{}_weight", number));
    copier.copy(layer + "/bias", fmt::format("squeezenet0_conv{}_bias", number++));
  };
  next("conv1");
  for (int module = 2; module <= 9; ++module)
    for (const char* layer : {"squeeze1x1", "expand1x1", "expand3x3"}) next(fmt::format("fire{}/{}", module, layer));
  next("conv10");
  EXPECT_TRUE(copier.complete());
}

void copy_mobilenet(const Model& model, const std::filesystem::path& file) {
  Copier copier(model, file);
  const auto next = [&](const std::string& layer, const char* kernel, const std::vector<size_t>& order) {
    copier.copy(layer + "/kernel", layer + kernel, order);
    for (const char* part : {"/gamma", "/beta", "/moving_mean", "/moving_variance"})
      copier.copy(layer + "_bn" + part, layer + "_bn" + part);
  };
  const std::vector<size_t> convolution = {3, 2, 0, 1}, depthwise = {2, 3, 0, 1};  // from Keras's [height,width,in,out]
  next("conv1", "/kernel", convolution);
  for (int block = 1; block <= 13; ++block) {
    next(fmt::format("conv_dw_{}", block), "/depthwise_kernel", depthwise);
    next(fmt::format("conv_pw_{}", block), "/kernel", convolution);
  }
  copier.copy("conv_preds/kernel", "conv_preds/kernel", convolution);
  copier.copy("conv_preds/bias", "conv_preds/bias");
  EXPECT_TRUE(copier.complete());
}

/// The class with the largest probability, and that probability.
std::pair<int64_t, float> best(const Model& model, const std::filesystem::path& image) {
  const Tensor p = model.probabilities(data::apply(model.preprocess(), data::load_image(image)));
  const auto values = p.as<float>();
  const auto top = std::max_element(values.begin(), values.end());
  return {top - values.begin(), *top};
}

TEST(RealWeights, squeezenet_sees_what_it_should) {
  const auto folder = weights("squeezenet1.1-imagenet");
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder;
  Model model = zoo::create("squeezenet");
  model.set_backend(make_backend("onednn", {.algorithms = Algorithms::standard}));
  copy_squeezenet(model, folder / "squeezenet1.1.safetensors");
  const Tensor noise = read_npy(folder / "test_data_set/0/input_0.npy"),
               logits = read_npy(folder / "test_data_set/0/output_0.npy");
  const Tensor y = model.predict(noise);
  for (int64_t i = 0; i < 1000; ++i) ASSERT_NEAR(y.at(i), logits.at(i), 2e-3) << i;
  model.compile({.loss = loss::softmax_cross_entropy()});
  const std::tuple<const char*, int64_t, float> photographs[] = {
      {"dog", 537, 0.5975f}, {"eagle", 22, 0.728f}, {"chelsea", 285, 0.460f}};
  for (const auto& [name, index, probability] : photographs) {
    const auto [seen, p] = best(model, folder / fmt::format("input_{}.png", name));
    EXPECT_EQ(seen, index) << name;
    EXPECT_NEAR(p, probability, 1e-3) << name;
  }
}

TEST(RealWeights, mobilenet_sees_what_it_should) {
  const auto folder = weights("mobilenet-v1-0.25-224-imagenet");
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder;
  Model model = zoo::create("mobilenet-0.25");
  model.set_backend(make_backend("onednn", {.algorithms = Algorithms::standard}));
  copy_mobilenet(model, folder / "mobilenet_v1_0.25_224.safetensors");
  model.compile({.loss = loss::softmax_cross_entropy()});
  for (const std::string name : {"dog", "eagle", "chelsea"}) {
    const data::Image image = data::load_image(folder / ("input_" + name + ".png"));
    const Tensor p = model.probabilities(data::apply(model.preprocess(), image));
    const Tensor expected = read_npy(folder / ("expected_" + name + ".npy"));
    for (int64_t i = 0; i < 1000; ++i) ASSERT_NEAR(p.at(i), expected.at(i), 1e-4) << name << " " << i;
  }
}

// In bytes, with ranges from the photographs themselves: the same classes, at nearly the same probabilities.
TEST(RealWeights, squeezenet_in_bytes_sees_the_same) {
  const auto folder = weights("squeezenet1.1-imagenet");
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder;
  Model model = zoo::create("squeezenet");
  model.set_backend(make_backend("onednn", {.algorithms = Algorithms::exact}));
  copy_squeezenet(model, folder / "squeezenet1.1.safetensors");
  model.compile({.loss = loss::softmax_cross_entropy()});
  Tensor all(DType::f32, {3, 3, 224, 224});
  std::vector<std::filesystem::path> images;
  for (const char* name : {"dog", "eagle", "chelsea"}) {
    images.push_back(folder / fmt::format("input_{}.png", name));
    const auto row = static_cast<int64_t>(images.size()) - 1;
    all.rows(row, row + 1).copy_from(data::apply(model.preprocess(), data::load_image(images.back())));
  }
  std::vector<std::pair<int64_t, float>> expected;
  for (const auto& image : images) expected.push_back(best(model, image));
  model.set_calibration(model.calibrate(data::InMemory({.inputs = all})));
  ASSERT_EQ(model.precision(), DType::i8);
  for (size_t i = 0; i < images.size(); ++i) {
    const auto [seen, p] = best(model, images[i]);
    EXPECT_EQ(seen, expected[i].first) << images[i];
    EXPECT_NEAR(p, expected[i].second, 0.15) << images[i];
  }
}

}  // namespace
}  // namespace ocellus
