// Losses of the library in training, and in saved models.
#include <gmock/gmock.h>

#include "model/networks.h"
#include "tensor/files.h"

namespace ocellus {
namespace {

using testing_files::TemporaryFolder;
using testing_models::stripes;

/// Turns images into `size` numbers.
Model embedding(int64_t size) {
  const Value x = nn::input({1, 8, 8});
  const Value hidden = nn::Dense({.units = 32, .activation = relu})(nn::Flatten()(x));
  return Model({x}, {nn::Dense({.units = size})(hidden)}, {.name = "embedding", .seed = 3});
}

CompileConfig how(Loss loss) { return {.optimizer = optim::Adam({.lr = 3e-3}), .loss = std::move(loss)}; }

TEST(Losses, TripletsPullLabelsApart) {
  const auto train = stripes(240);
  Model model = embedding(4);
  model.compile(how(loss::triplet({.margin = 1, .mining = loss::TripletMining::batch_all})));
  const History history = model.fit(train, {.epochs = 12, .batch = 48, .progress = false});
  EXPECT_THAT(history.names(), testing::ElementsAre("loss", "triplet", "active_triplets"));
  EXPECT_EQ(history.column("loss"), history.column("triplet"));
  EXPECT_LT(history.column("loss").back(), 0.3 * history.column("loss").front());
  EXPECT_LT(history.column("active_triplets").back(), 0.3 * history.column("active_triplets").front());
}

/// Targets for a prediction of three channels: two are known of every second image, one of all.
data::InMemory half_known() {
  const auto images = stripes(120);
  Tensor inputs(DType::f32, {120, 1, 8, 8}), targets(DType::f32, {120, 6});
  Rng rng;
  for (int64_t i = 0; i < 120; ++i) {
    const Sample sample = images.get(i, rng);
    inputs.rows(i, i + 1).copy_from(sample.input.reshape({1, 1, 8, 8}));
    const bool is_row = sample.target.at(0) == 0, known = i % 2 == 0;
    const float unknown = std::nanf(""), weight = known ? 1.0f : 0.0f;
    const std::array<float, 6> row = {
        is_row ? 1.0f : 0.0f, known ? (is_row ? 3.0f : -2.0f) : unknown, unknown, 1, weight, 0};
    std::ranges::copy(row, targets.as<float>().begin() + i * 6);
  }
  return data::InMemory({.inputs = inputs, .targets = targets, .classes = {}, .name = "half known"});
}

Loss two_parts() {
  return loss::multi_part({.parts = {{.name = "row", .element = {.kind = ElementLossKind::focal}},
                                     {.name = "where", .channels = 2, .element = {.kind = ElementLossKind::huber}}},
                           .weighted = true});
}

TEST(Losses, WhatIsNotKnownIsLeftOutOfTraining) {
  const auto train = half_known();
  Model model = embedding(3);
  model.compile(how(two_parts()));
  const History history = model.fit(train, {.epochs = 15, .batch = 24, .progress = false});
  EXPECT_THAT(history.names(), testing::ElementsAre("loss", "row", "where"));
  EXPECT_LT(history.column("row").back(), 0.5 * history.column("row").front());
  EXPECT_LT(history.column("where").back(), 0.5 * history.column("where").front());
}

TEST(Losses, AreLoadedWithTheModel) {
  const TemporaryFolder folder;
  const auto labelled = stripes(24), masked = half_known();
  const auto comes_back = [&](const Loss& loss, const Dataset& set) {
    Model model = embedding(3);
    model.compile(how(loss));
    const double before = *find(model.evaluate(set, {.batch = 24}), "loss");
    model.save(folder / "m.safetensors");
    Model loaded = Model::load(folder / "m.safetensors");
    EXPECT_EQ(loaded.lacks(), "") << loss->name;
    EXPECT_EQ(*find(loaded.evaluate(set, {.batch = 24}), "loss"), before) << loss->name;
  };
  comes_back(loss::triplet({.margin = 0.7, .distance = DistanceKind::l2}), labelled);
  comes_back(loss::softmax_focal({.alpha = 0.25, .background = 1}), labelled);
  comes_back(loss::dice({.activation = loss::DiceActivation::softmax}), labelled);
  comes_back(loss::smooth_l1({.beta = 0.5, .weighted = true}), masked);
  comes_back(two_parts(), masked);
}

}  // namespace
}  // namespace ocellus
