#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include <ocellus/backend/backends.h>
#include <ocellus/zoo/zoo.h>

#include "tensor/files.h"

namespace ocellus {
namespace {

using ::testing::HasSubstr;

int64_t learning(const Model& model) {
  int64_t count = 0;
  for (const ParameterPtr& p : model.parameters())
    if (p->learns()) count += p->shape().numel();
  return count;
}

TEST(Zoo, networks_have_the_published_numbers_of_parameters) {
  const std::pair<const char*, int64_t> published[] = {
      {"lenet5", 61'706},   {"lenet5-notes", 62'958}, {"lenet5-1998", 60'000},  {"resnet20", 269'722},
      {"resnet56", 853'018}, {"resnet110", 1'727'962}, {"nin", 966'986},
  };
  for (const auto& [name, count] : published) EXPECT_EQ(learning(zoo::create(name)), count) << name;
}

TEST(Zoo, the_notes_table_is_right_where_the_notes_are_not) {
  const std::string summary = zoo::create("lenet5-notes").summary();
  for (const char* number : {" 608 ", " 3,216 ", " 48,120 ", " 10,164 ", " 850 ", "Total params: 62,958"})
    EXPECT_THAT(summary, HasSubstr(number));
}

TEST(Zoo, layers_of_lenet5_as_published) {
  const Model model = zoo::create("lenet5-1998");
  const std::pair<const char*, int64_t> layers[] = {{"c1", 156}, {"s2", 12},      {"c3", 1516},   {"s4", 32},
                                                    {"c5", 48'120}, {"f6", 10'164}, {"output", 0}};
  for (const auto& [name, count] : layers) {
    int64_t n = 0;
    for (const ParameterPtr& p : model.parameters())
      if (p->layer()->name == name) n += p->shape().numel();
    EXPECT_EQ(n, count) << name;
  }
}

TEST(Zoo, classes_and_input_can_be_chosen) {
  const Model model = zoo::create("resnet20", {.classes = 100, .input = {1, 40, 48}});
  EXPECT_EQ(model.graph().outputs[0].shape(), (Shape{any_dim, 100}));
  EXPECT_EQ(model.preprocess().height, 40);
  EXPECT_TRUE(model.preprocess().mean.empty()) << "statistics of colour images don't fit grey ones";
  EXPECT_THROW(zoo::create("resnet20", {.input = {32, 32}}), UsageError);
  EXPECT_THROW(zoo::create("lenet5-1998", {.classes = 5}), UsageError);
}

TEST(Zoo, an_unknown_name_suggests_the_nearest) {
  try {
    zoo::create("lenet-5");
    FAIL();
  } catch (const UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr("did you mean \"lenet5\"?"));
  }
}

TEST(Zoo, seeds_decide_the_weights) {
  const Tensor a = zoo::create("lenet5", {.seed = 1}).value("conv2d/kernel").node().as<ParameterOp>()->parameter->value();
  const Tensor b = zoo::create("lenet5", {.seed = 1}).value("conv2d/kernel").node().as<ParameterOp>()->parameter->value();
  const Tensor c = zoo::create("lenet5", {.seed = 2}).value("conv2d/kernel").node().as<ParameterOp>()->parameter->value();
  EXPECT_EQ(a.as<float>()[7], b.as<float>()[7]);
  EXPECT_NE(a.as<float>()[7], c.as<float>()[7]);
}

/// The weights of ResNet-20, one after the other, after three steps on random images.
std::vector<float> trained_resnet20(uint64_t seed) {
  Tensor images(DType::f32, {24, 3, 32, 32}), classes(DType::i32, {24});
  Rng rng(9);
  for (float& v : images.as<float>()) v = rng.normal();
  for (int32_t& c : classes.as<int32_t>()) c = static_cast<int32_t>(rng.below(10));
  const data::InMemory set({.inputs = images, .targets = classes, .name = "noise"});
  Model model = zoo::create("resnet20", {.seed = seed});
  model.compile({.optimizer = optim::SGD({.lr = 0.1, .momentum = 0.9}),
                 .loss = loss::softmax_cross_entropy(),
                 .backend = make_backend("onednn", {.algorithms = Algorithms::standard})});
  model.fit(set, {.batch = 8, .seed = seed, .progress = false});
  std::vector<float> weights;
  for (const ParameterPtr& p : model.parameters()) {
    const Tensor value = p->value();
    weights.insert(weights.end(), value.as<float>().begin(), value.as<float>().end());
  }
  return weights;
}

TEST(Zoo, training_resnet20_again_with_the_same_seed_and_threads_gives_the_same_bits) {
  const std::vector<float> first = trained_resnet20(1), again = trained_resnet20(1), other = trained_resnet20(2);
  ASSERT_EQ(first.size(), again.size());
  EXPECT_EQ(std::memcmp(first.data(), again.data(), first.size() * sizeof(float)), 0);
  EXPECT_NE(std::memcmp(first.data(), other.data(), first.size() * sizeof(float)), 0);
}

/// Every network for small images computes, before and after it was a file, and what a sample gives does not depend on the samples beside it.
TEST(Zoo, every_small_network_predicts) {
  for (const zoo::Entry& entry : zoo::entries()) {
    if (entry.name == "resnet110" || entry.name == "resnet56" || entry.name == "resnet44") continue;  // the same code, slower
    if (entry.preset().preprocess.resize != data::ResizeRule::stretch) continue;  // of photographs: test_photographs.cpp
    const Model model = zoo::create(entry.name);
    const Shape& shape = model.graph().inputs[0].shape();
    Tensor x(DType::f32, shape.with(0, 3));
    Rng rng(5);
    for (float& v : x.as<float>()) v = rng.normal();
    const Tensor all = model.predict(x), last = model.predict(x.rows(2, 3));
    ASSERT_EQ(all.shape(), (Shape{3, 10})) << entry.name;
    const testing_files::TemporaryFolder folder;
    model.save(folder / "m.safetensors");
    const Model loaded = Model::load(folder / "m.safetensors");
    EXPECT_EQ(loaded.summary(), model.summary());
    EXPECT_EQ(loaded.preprocess(), model.preprocess());
    const Tensor again = loaded.predict(x);
    for (int64_t i = 0; i < 10; ++i) {
      EXPECT_NEAR(again.at(i), all.at(i), 1e-3 * (1 + std::abs(all.at(i)))) << entry.name;
      EXPECT_TRUE(std::isfinite(all.at(i)));
      EXPECT_NEAR(all.at(20 + i), last.at(i), 1e-3 * (1 + std::abs(last.at(i)))) << entry.name;
    }
  }
}

}  // namespace
}  // namespace ocellus
