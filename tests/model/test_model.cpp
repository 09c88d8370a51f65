#include <gmock/gmock.h>

#include <ocellus/backend/backends.h>
#include <ocellus/ops/elementwise.h>

#include "model/networks.h"
#include "tensor/files.h"

namespace ocellus {
namespace {

using testing_files::message_of;
using testing_models::small_network;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Tensor noise(const Shape& shape, uint64_t seed = 2) {
  Tensor t(DType::f32, shape);
  Rng rng(seed);
  for (float& x : t.as<float>()) x = rng.normal();
  return t;
}

void expect_near(const Tensor& a, const Tensor& b, double tolerance) {
  ASSERT_EQ(a.shape(), b.shape());
  for (int64_t i = 0; i < a.numel(); ++i) ASSERT_NEAR(a.at(i), b.at(i), tolerance) << "element " << i;
}

TEST(Model, numbers_layers_without_a_name) {
  const Value x = nn::input({1, 12, 12});
  Value y = nn::Conv2D({.filters = 2})(x);
  y = nn::Conv2D({.filters = 2, .name = "conv2d_1"})(y);
  y = nn::Conv2D({.filters = 2})(y);
  y = ops::affine(y, 2);
  const Model model({x}, {y});
  EXPECT_THAT(model.value_names(), ElementsAre("input_layer", "conv2d", "conv2d_1", "conv2d_2", "affine"));
  EXPECT_EQ(model.parameters()[4]->path(), "conv2d_2/kernel");
}

TEST(Model, refuses_what_it_cannot_name_or_feed) {
  const Value x = nn::input({4}), z = nn::input({4});
  const auto dense = [](const char* name) { return nn::Dense({.units = 4, .name = name}); };
  EXPECT_THAT(message_of<UsageError>([&] { Model({x}, {dense("a")(dense("a")(x))}); }), HasSubstr("two layers are called a"));
  EXPECT_THAT(message_of<UsageError>([&] { Model({x}, {ops::add(x, z)}); }), HasSubstr("need an input"));
  EXPECT_THROW(Model({x, x}, {x}), UsageError);
  EXPECT_THROW(Model({dense("b")(x)}, {x}), UsageError);
  EXPECT_THROW(Model({x}, {}), UsageError);
}

TEST(Model, summary_is_keras_table) {
  const std::string text = small_network().summary();
  for (const char* line : {
           "Model: \"small\"",
           " Layer (type)",
           "(None, 8, 8, 1)",
           " block/add (Add)",
           "block/norm, conv2d",
           " Total params: 395 (1.54 KB)",
           " Trainable params: 387 (1.51 KB)",
           " Non-trainable params: 8 (32.00 B)",
       })
    EXPECT_THAT(text, HasSubstr(line));
  EXPECT_THAT(small_network().summary({.channels_first = true}), HasSubstr("(None, 1, 8, 8)"));
}

TEST(Model, summary_counts_costs) {
  const std::string text = small_network().summary({.costs = true});
  const int64_t macs = 64 * 4 * 9 + 64 * 4 * 36 + 3 * 64;
  EXPECT_THAT(text, HasSubstr("Total MACs: " + std::to_string(macs / 1000) + "," + std::to_string(macs % 1000)));
  EXPECT_THAT(text, HasSubstr(" 9,216 "));  // block/conv
}

TEST(Model, frozen_layers_count_as_not_trainable) {
  Model model = small_network();
  model.trainable("block", false);
  EXPECT_THAT(model.summary(), HasSubstr(" Trainable params: 235 "));
  EXPECT_THAT(message_of<UsageError>([&] { model.trainable("blok", false); }), HasSubstr("did you mean"));
}

TEST(Model, shared_layers_count_once_and_have_two_outputs) {
  const nn::Dense tower({.units = 3, .name = "tower"});
  const Value a = nn::input({5}, "left"), b = nn::input({5}, "right");
  const Model model({a, b}, {ops::sub(tower(a), tower(b))});
  EXPECT_THAT(model.value_names(), ElementsAre("left", "right", "tower", "tower:1", "binary"));
  EXPECT_EQ(model.count_parameters(), 18);
  EXPECT_THAT(model.summary(), HasSubstr("Total params: 18 "));
  const std::vector<Tensor> inputs = {noise({2, 5}), noise({2, 5})};
  const auto outputs = model.predict(inputs, {"tower", "tower:1", "binary", "tower/kernel"});
  expect_near(outputs[0], outputs[1], 0);
  EXPECT_EQ(outputs[2].at(3), 0);
  EXPECT_EQ(outputs[3].shape(), (Shape{3, 5}));
}

TEST(Model, until_gives_the_features_that_the_whole_computes) {
  const Model model = small_network();
  const Model part = model.until("block/add");
  const Tensor x = noise({3, 1, 8, 8});
  expect_near(part.predict(x), model.predict(x, {.output = "block/add"}), 1e-5);
  EXPECT_EQ(part.parameters()[0], model.parameters()[0]);
  EXPECT_THAT(message_of<UsageError>([&] { model.until("block/ad"); }), HasSubstr("did you mean \"block/add\"?"));
}

TEST(Model, is_a_layer) {
  const Model trunk = small_network().until("flatten");
  const Value x = nn::input({1, 8, 8}), z = nn::input({1, 8, 8});
  const Model pair({x, z}, {ops::sub(trunk(x), trunk(z))});
  EXPECT_EQ(pair.count_parameters(), trunk.count_parameters());
  const Tensor t = noise({2, 1, 8, 8});
  const std::vector<Tensor> inputs = {t, t};
  const Tensor difference = pair.predict(inputs, pair.output_names())[0];
  for (int64_t i = 0; i < difference.numel(); ++i) EXPECT_EQ(difference.at(i), 0);
  EXPECT_THAT(message_of<ShapeError>([&] { trunk(nn::input({2, 8, 8})); }), HasSubstr("conv2d"));
}

TEST(Model, a_new_head_keeps_the_trunks_weights) {
  const Model old = small_network(1);
  const Model trunk = old.until("flatten");
  const Value x = nn::input({1, 8, 8});
  const auto before = testing_models::weights(trunk);
  const Model renewed({x}, {nn::Dense({.units = 7})(trunk(x))}, {.seed = 99});
  EXPECT_EQ(testing_models::weights(trunk), before);
  EXPECT_EQ(renewed.graph().outputs[0].shape()[1], 7);
}

TEST(Model, predicts_in_batches_and_alone) {
  const Model model = small_network();
  const Tensor x = noise({7, 1, 8, 8});
  const Tensor all = model.predict(x, {.batch = 3}), at_once = model.predict(x);
  expect_near(all, at_once, 1e-5);
  const Tensor one = model.predict(x.rows(4, 5).reshape({1, 8, 8}));
  expect_near(one, at_once.rows(4, 5), 1e-5);
}

TEST(Model, prediction_refuses_other_shapes) {
  const Model model = small_network();
  EXPECT_EQ(message_of<ShapeError>([&] { model.predict(noise({2, 1, 8, 9})); }),
            "[model small] input input_layer expects f32[N,1,8,8], got f32[2,1,8,9]");
  EXPECT_EQ(message_of<ShapeError>([&] { model.predict(Tensor(DType::u8, {2, 1, 8, 8})); }),
            "[model small] input input_layer expects f32[N,1,8,8], got u8[2,1,8,8]");
  EXPECT_THROW(model.predict(Tensor()), ShapeError);
  EXPECT_THROW(model.predict(noise({8, 8})), ShapeError);
}

TEST(Model, probabilities_are_what_the_loss_means) {
  Model model = small_network();
  model.compile(testing_models::how());
  const Tensor p = model.probabilities(noise({2, 1, 8, 8}));
  EXPECT_NEAR(p.at(0) + p.at(1) + p.at(2), 1, 1e-6);
  EXPECT_GT(p.at(0), 0);
}

TEST(Model, backends_agree) {
  Model model = small_network();
  const Tensor x = noise({2, 1, 8, 8});
  const Tensor fast = model.predict(x);
  CompileConfig config = testing_models::how();
  config.backend = make_backend("reference");
  model.compile(config);
  expect_near(fast, model.predict(x), 1e-4);
}

}  // namespace
}  // namespace ocellus
