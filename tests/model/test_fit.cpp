#include <gmock/gmock.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <sstream>

#include <fmt/format.h>

#include <ocellus/backend/backends.h>
#include <ocellus/train/progress.h>

#include "model/networks.h"
#include "tensor/files.h"

namespace ocellus {
namespace {

using testing_files::message_of;
using testing_files::TemporaryFolder;
using testing_models::how;
using testing_models::small_network;
using testing_models::stripes;
using testing_models::weights;
using ::testing::HasSubstr;

FitConfig quiet(int64_t epochs) { return {.epochs = epochs, .batch = 16, .seed = 5, .progress = false}; }

TEST(Fit, learns_and_says_so) {
  const auto train = stripes(400, 1), test = stripes(100, 2);
  Model model = small_network();
  model.compile(how());
  FitConfig config = quiet(8);
  config.validation = &test;
  const History history = model.fit(train, config);
  ASSERT_EQ(history.rows().size(), 8u);
  EXPECT_THAT(history.names(), ::testing::ElementsAre("accuracy", "loss", "val_accuracy", "val_loss"));
  EXPECT_LT(history.column("loss").back(), 0.5 * history.column("loss").front());
  EXPECT_GT(history.column("val_accuracy").back(), 0.9);
  const Logs logs = model.evaluate(test, {.batch = 16});
  EXPECT_NEAR(*find(logs, "accuracy"), history.column("val_accuracy").back(), 1e-12);
  EXPECT_NEAR(*find(logs, "loss"), history.column("val_loss").back(), 1e-6);
  EXPECT_EQ(model.class_names(), test.class_names());
}

TEST(Fit, the_first_steps_are_those_of_plain_gradient_descent) {
  const auto train = stripes(16);
  Model model = small_network();
  model.trainable("block/norm", false);
  model.compile(how(optim::SGD({.lr = 0.1})));
  FitConfig config = quiet(1);
  config.shuffle = false;
  // The loss before and after one step on the one batch there is, dropout aside.
  const double before = *find(model.evaluate(train, {.batch = 16}), "loss");
  model.fit(train, config);
  const double after = *find(model.evaluate(train, {.batch = 16}), "loss");
  EXPECT_LT(after, before);
}

// The same run in bf16: it learns, not with the same bits as in f32, and the masters are rounded by nothing.
TEST(Fit, learns_in_bf16) {
  const auto train = stripes(400, 1);
  const auto run = [&](DType precision) {
    Model model = small_network();
    CompileConfig config = how();
    config.precision = precision;
    model.compile(config);
    model.fit(train, quiet(8));
    return std::pair(weights(model), model.history().column("loss").back());
  };
  const auto [wide, wide_loss] = run(DType::f32);
  const auto [narrow, narrow_loss] = run(DType::bf16);
  EXPECT_NE(wide, narrow);
  EXPECT_LT(narrow_loss, 0.3 * std::log(3.0));  // from log(3), where the f32 run too is below a tenth
  EXPECT_LT(wide_loss, 0.1 * std::log(3.0));
  const auto is_bf16 = [](float v) { return (std::bit_cast<uint32_t>(v) & 0xffff) == 0; };
  EXPECT_LT(std::ranges::count_if(narrow, is_bf16), static_cast<std::ptrdiff_t>(narrow.size() / 10));
  EXPECT_THAT(message_of<UsageError>([&] { small_network().set_precision(DType::f16); }), HasSubstr("f32, bf16 or i8, not in f16"));
}

TEST(Fit, evaluation_weighs_a_smaller_last_batch_rightly) {
  const auto test = stripes(37);
  Model model = small_network();
  model.compile(how());
  const Logs whole = model.evaluate(test, {.batch = 37}), parts = model.evaluate(test, {.batch = 10});
  EXPECT_NEAR(*find(whole, "loss"), *find(parts, "loss"), 1e-5);
  EXPECT_EQ(*find(whole, "accuracy"), *find(parts, "accuracy"));
}

TEST(Fit, the_same_seed_gives_the_same_bits) {
  const auto train = stripes(70);
  const auto run = [&](uint64_t seed, int workers) {
    Model model = small_network();
    model.compile(how(optim::Adam()));
    FitConfig config = quiet(2);
    config.seed = seed;
    config.workers = workers;
    model.fit(train, config);
    return weights(model);
  };
  const auto first = run(5, 0);
  EXPECT_EQ(first, run(5, 3));
  EXPECT_NE(first, run(6, 0));
}

TEST(Fit, frozen_layers_keep_their_weights_and_statistics) {
  const auto train = stripes(64);
  Model model = small_network();
  model.trainable("block", false);
  const auto of = [&](const char* path) {
    return model.value(path).node().as<ParameterOp>()->parameter->value();
  };
  const Tensor kernel = of("block/conv/kernel"), mean = of("block/norm/moving_mean"), first = of("conv2d/kernel");
  model.compile(how());
  model.fit(train, quiet(1));
  for (int64_t i = 0; i < kernel.numel(); ++i) EXPECT_EQ(of("block/conv/kernel").at(i), kernel.at(i));
  EXPECT_EQ(of("block/norm/moving_mean").at(0), mean.at(0));
  EXPECT_NE(of("conv2d/kernel").at(0), first.at(0));
  model.trainable("block", true);
  model.fit(train, quiet(1));
  EXPECT_NE(of("block/conv/kernel").at(0), kernel.at(0));
  EXPECT_NE(of("block/norm/moving_mean").at(0), mean.at(0));
}

/// One run of `epochs`, or the same run cut off after `cut` steps and resumed in another model, as after a kill.
struct Outcome {
  std::vector<float> weights;
  History history;
};

Outcome whole_run(const Handle<optim::Optimizer>& optimizer, const char* schedule) {
  const auto train = stripes(70, 3), test = stripes(30, 4);
  Model model = small_network();
  model.compile(how(optimizer));
  FitConfig config = quiet(4);
  config.validation = &test;
  config.schedule = schedule::parse(schedule);
  Outcome run;
  run.history = model.fit(train, config);
  run.weights = weights(model);
  return run;
}

Outcome cut_run(const std::function<Handle<optim::Optimizer>()>& optimizer, const char* schedule, int64_t cut) {
  const TemporaryFolder folder;
  const auto train = stripes(70, 3), test = stripes(30, 4);
  FitConfig config = quiet(4);
  config.validation = &test;
  config.checkpoint = folder / "last.safetensors";
  config.resume = true;
  int64_t steps = 0;
  config.stop = [&] { return ++steps == cut; };
  config.schedule = schedule::parse(schedule);
  {
    Model model = small_network();
    model.compile(how(optimizer()));
    model.fit(train, config);
  }
  config.stop = nullptr;
  config.schedule = schedule::parse(schedule);
  Model model = small_network(77);  // its own weights must not matter
  model.compile(how(optimizer()));
  Outcome run;
  run.history = model.fit(train, config);
  run.weights = weights(model);
  return run;
}

void expect_same(const Outcome& a, const Outcome& b) {
  ASSERT_EQ(a.weights.size(), b.weights.size());
  EXPECT_EQ(std::memcmp(a.weights.data(), b.weights.data(), a.weights.size() * sizeof(float)), 0) << "weights differ";
  ASSERT_EQ(a.history.rows().size(), b.history.rows().size());
  for (const std::string& name : a.history.names()) EXPECT_EQ(a.history.column(name), b.history.column(name)) << name;
}

TEST(Resume, at_an_epochs_end_and_inside_one_gives_the_same_bits) {
  const std::pair<std::function<Handle<optim::Optimizer>()>, const char*> cases[] = {
      {[] { return optim::SGD({.lr = 0.05, .momentum = 0.9, .nesterov = true, .weight_decay = 1e-3}); }, "cosine"},
      {[] { return optim::Adam({.clip_norm = 1}); }, "plateau:0.5:0"},
      {[] { return optim::RMSProp({.lr = 1e-3, .momentum = 0.5}); }, "constant"},
  };
  for (const auto& [optimizer, schedule] : cases) {
    SCOPED_TRACE(optimizer()->describe() + " " + schedule);
    const Outcome whole = whole_run(optimizer(), schedule);
    for (const int64_t cut : {2, 5, 7, 13}) {  // an epoch has 5 steps
      SCOPED_TRACE(cut);
      expect_same(whole, cut_run(optimizer, schedule, cut));
    }
  }
}

TEST(Resume, callbacks_go_on_where_they_were) {
  const TemporaryFolder folder;
  const auto train = stripes(70, 3), test = stripes(30, 4);
  const auto config_for = [&](const std::string& name, int64_t epochs) {
    FitConfig config = quiet(epochs);
    config.validation = &test;
    config.checkpoint = folder / (name + ".safetensors");
    config.resume = true;
    config.callbacks = {callback::CsvLog(folder / (name + ".csv")),
                        callback::BestCheckpoint({.path = folder / (name + "_best.safetensors"), .monitor = "val_accuracy"})};
    return config;
  };
  Model whole = small_network();
  whole.compile(how());
  whole.fit(train, config_for("whole", 5));
  for (const int64_t epochs : {2, 5}) {
    Model part = small_network();
    part.compile(how());
    part.fit(train, config_for("part", epochs));
  }
  EXPECT_EQ(testing_files::read_text(folder / "part.csv"), testing_files::read_text(folder / "whole.csv"));
  EXPECT_EQ(weights(Model::load(folder / "part_best.safetensors")), weights(Model::load(folder / "whole_best.safetensors")));
}

TEST(Resume, refuses_another_run) {
  const TemporaryFolder folder;
  const auto train = stripes(40);
  FitConfig config = quiet(1);
  config.checkpoint = folder / "last.safetensors";
  config.resume = true;
  Model model = small_network();
  model.compile(how());
  model.fit(train, config);
  config.batch = 8;
  EXPECT_THAT(message_of<UsageError>([&] { model.fit(train, config); }), HasSubstr("was made with batch 16, this run has 8"));
  config.batch = 16;
  model.compile(how(optim::Adam()));
  EXPECT_THAT(message_of<UsageError>([&] { model.fit(train, config); }), HasSubstr("was made with optimizer sgd(lr=0.05"));
  model.save(folder / "model.safetensors");
  config.checkpoint = folder / "model.safetensors";
  EXPECT_THAT(message_of<FormatError>([&] { model.fit(train, config); }), HasSubstr("no checkpoint of a training run"));
}

TEST(Fit, a_loss_that_is_not_finite_stops_and_keeps_the_last_checkpoint) {
  const TemporaryFolder folder;
  const auto train = stripes(40);
  FitConfig config = quiet(1);
  config.checkpoint = folder / "last.safetensors";
  Model model = small_network();
  model.compile(how());
  model.fit(train, config);
  const std::string good = testing_files::read_text(folder / "last.safetensors");

  const ParameterPtr kernel = model.value("dense/kernel").node().as<ParameterOp>()->parameter;
  Tensor broken = kernel->value();
  broken.as<float>()[1] = std::nanf("");
  kernel->set_value(broken);
  const std::string message = message_of<NumericError>([&] { model.fit(train, config); });
  EXPECT_THAT(message, HasSubstr("the loss is nan at epoch 1, batch 1 (step 1)"));
  EXPECT_THAT(message, HasSubstr("dense/kernel"));
  EXPECT_TRUE(testing_files::read_text(folder / "last.safetensors") == good);
}

TEST(Fit, the_sign_of_a_NaN_is_not_told) {
  for (const double sign : {1, -1}) {
    const HostLossFn fn = [sign](const Tensor&, std::span<const Tensor>, Tensor&) {
      return std::vector<LossPart>{{"loss", std::copysign(std::nan(""), sign)}};
    };
    Model model = small_network();
    CompileConfig config = how();
    config.loss = loss::custom({.loss = {.name = "broken", .fn = fn}, .target = [](const TensorType& p, DType) {
                                  return TensorType{DType::i32, {p.shape[0]}};
                                }});
    model.compile(config);
    EXPECT_THAT(message_of<NumericError>([&] { model.fit(stripes(16), quiet(1)); }), HasSubstr("the loss is nan at epoch 1"));
  }
}

/// A relu hides a NaN from the loss, but not from the check of the weights.
TEST(Fit, weights_that_are_not_finite_stop_it_too) {
  const auto train = stripes(160);
  Model model = small_network();
  const ParameterPtr kernel = model.value("conv2d/kernel").node().as<ParameterOp>()->parameter;
  Tensor broken = kernel->value();
  broken.as<float>()[1] = std::nanf("");
  kernel->set_value(broken);
  model.compile(how());
  EXPECT_THAT(message_of<NumericError>([&] { model.fit(train, quiet(1)); }), HasSubstr("in parameter conv2d/kernel"));
  Model diverging = small_network();
  diverging.compile(how(optim::SGD({.lr = 1e30})));
  EXPECT_THAT(message_of<NumericError>([&] { diverging.fit(train, quiet(3)); }), HasSubstr("at epoch 1, "));
}

TEST(Fit, several_outputs_share_a_target_by_weight) {
  const auto train = stripes(160);
  const Value x = nn::input({1, 8, 8});
  const Value features = nn::Flatten()(nn::Conv2D({.filters = 4, .activation = relu})(x));
  const Value main = nn::Dense({.units = 3, .name = "main"})(features), aux = nn::Dense({.units = 3, .name = "aux"})(features);
  Model model({x}, {main, aux});
  CompileConfig config = how();
  config.loss_weights = {1, 0.3};
  model.compile(config);
  const History history = model.fit(train, quiet(4));
  EXPECT_LT(history.column("loss").back(), history.column("loss").front());
  config.loss_weights = {1};
  EXPECT_THROW(model.compile(config), UsageError);
}

TEST(Fit, custom_losses_train) {
  const auto train = stripes(160);
  HostLossConfig config;
  config.name = "half_square";
  config.parts = {"square"};
  config.fn = [](const Tensor& p, std::span<const Tensor> aux, Tensor& gradient) {
    double sum = 0;
    const auto n = p.shape()[0];
    for (int64_t i = 0; i < p.numel(); ++i) {
      const double wanted = static_cast<int64_t>(aux[0].at(i / 3)) == i % 3 ? 1 : 0;
      const double difference = p.at(i) - wanted;
      sum += difference * difference / 2 / static_cast<double>(n);
      gradient.as<float>()[static_cast<size_t>(i)] = static_cast<float>(difference / static_cast<double>(n));
    }
    return std::vector<LossPart>{{"square", sum}};
  };
  Model model = small_network();
  CompileConfig how_to = how();
  how_to.loss = loss::custom({.loss = config, .target = [](const TensorType& p, DType) {
                                return TensorType{DType::i32, {p.shape[0]}};
                              }});
  model.compile(how_to);
  const History history = model.fit(train, quiet(5));
  EXPECT_LT(history.column("loss").back(), 0.7 * history.column("loss").front());
}

/// A loss whose parts can be told in advance: the mean label of the batch, and a fifth of its size.
Loss known_parts(std::vector<std::string> names = {"label", "count"}) {
  HostLossConfig config;
  config.name = "known";
  config.parts = names;
  config.fn = [names](const Tensor&, std::span<const Tensor> aux, Tensor&) {
    const auto labels = aux[0].as<int32_t>();
    double sum = 0;
    for (const int32_t label : labels) sum += label;
    const auto count = static_cast<double>(labels.size());
    std::vector<LossPart> parts = {{names[0], sum / count}};
    if (names.size() > 1) parts.push_back({names[1], count / 5});
    return parts;
  };
  return loss::custom({.loss = config, .target = [](const TensorType& p, DType) {
                         return TensorType{DType::i32, {p.shape[0]}};
                       }});
}

double mean_label(const data::InMemory& set) {
  Rng rng;
  double sum = 0;
  for (int64_t i = 0; i < set.size(); ++i) sum += set.get(i, rng).target.at(0);
  return sum / static_cast<double>(set.size());
}

TEST(LossParts, are_logged_as_means_over_the_epoch) {
  const TemporaryFolder folder;
  const auto train = stripes(40, 1), test = stripes(20, 2);
  Model model = small_network();
  CompileConfig how_to = how();
  how_to.loss = known_parts();
  model.compile(how_to);
  std::ostringstream shown;
  FitConfig config = quiet(2);
  config.validation = &test;
  config.callbacks = {callback::CsvLog(folder / "log.csv"), Progress({.out = &shown, .live = false})};
  const History history = model.fit(train, config);
  EXPECT_THAT(history.names(), ::testing::ElementsAre("accuracy", "loss", "label", "count", "val_accuracy", "val_loss",
                                                      "val_label", "val_count"));
  // Batches of 16, 16 and 8, and of 16 and 4; a batch's weight is its size.
  const double count = (16 * 16 + 16 * 16 + 8 * 8) / 40.0 / 5, val_count = (16 * 16 + 4 * 4) / 20.0 / 5;
  for (size_t epoch : {0u, 1u}) {
    EXPECT_NEAR(history.column("label")[epoch], mean_label(train), 1e-6);
    EXPECT_NEAR(history.column("count")[epoch], count, 1e-6);
    EXPECT_NEAR(history.column("loss")[epoch], mean_label(train) + count, 1e-6);
    EXPECT_NEAR(history.column("val_label")[epoch], mean_label(test), 1e-6);
    EXPECT_NEAR(history.column("val_count")[epoch], val_count, 1e-6);
  }
  const Logs logs = model.evaluate(test, {.batch = 16});
  EXPECT_NEAR(*find(logs, "label"), mean_label(test), 1e-6);
  EXPECT_NEAR(*find(logs, "count"), val_count, 1e-6);
  EXPECT_THAT(testing_files::read_text(folder / "log.csv"),
              ::testing::StartsWith("epoch,accuracy,loss,label,count,val_accuracy,val_loss,val_label,val_count\n"));
  EXPECT_THAT(shown.str(), HasSubstr(" - count: 2.8800 - val_accuracy"));
  EXPECT_THAT(shown.str(), HasSubstr(" - val_count: 2.7200\n"));
}

TEST(LossParts, go_on_inside_an_epoch) {
  const TemporaryFolder folder;
  const auto train = stripes(70, 3);
  FitConfig config = quiet(1);
  const auto run = [&] {
    Model model = small_network();
    CompileConfig how_to = how();
    how_to.loss = known_parts();
    model.compile(how_to);
    return model.fit(train, config);
  };
  const History whole = run();
  config.checkpoint = folder / "last.safetensors";
  config.resume = true;
  int64_t steps = 0;
  config.stop = [&] { return ++steps == 3; };
  EXPECT_TRUE(run().empty());
  const History resumed = run();
  for (const std::string& name : whole.names()) EXPECT_EQ(resumed.column(name), whole.column(name)) << name;
  Model other = small_network();
  other.compile(how());
  EXPECT_THAT(message_of<UsageError>([&] { other.fit(train, config); }), HasSubstr("parts of the loss: 2, this run has 0"));
}

/// The parts of two outputs are weighted as their losses are, so that they still add up to the loss.
TEST(LossParts, of_several_outputs_are_added_by_weight) {
  const Value x = nn::input({1, 8, 8});
  const Value features = nn::Flatten()(x);
  Model model({x}, {nn::Dense({.units = 3, .name = "main"})(features), nn::Dense({.units = 3, .name = "aux"})(features)});
  CompileConfig config = how();
  config.loss = known_parts();
  config.loss_weights = {1, 0.5};
  model.compile(config);
  const auto test = stripes(20);
  const Logs logs = model.evaluate(test, {.batch = 20});
  EXPECT_NEAR(*find(logs, "label"), 1.5 * mean_label(test), 1e-6);
  EXPECT_NEAR(*find(logs, "count"), 1.5 * 4, 1e-6);
  EXPECT_NEAR(*find(logs, "loss"), *find(logs, "label") + *find(logs, "count"), 1e-6);
}

TEST(LossParts, have_names_of_their_own) {
  Model model = small_network();
  CompileConfig config = how();
  for (const char* name : {"accuracy", "loss", "label", "val_label", "learning_rate", ""}) {
    config.loss = known_parts({"label", name});
    EXPECT_THAT(message_of<UsageError>([&] { model.compile(config); }), HasSubstr(fmt::format("can't be called \"{}\"", name)));
  }
  config.loss = known_parts({"loss"});  // the loss itself: one column
  model.compile(config);
  EXPECT_THAT(model.fit(stripes(16), quiet(1)).names(), ::testing::ElementsAre("accuracy", "loss"));
}

TEST(Fit, needs_a_compiled_model_and_targets_that_fit) {
  const auto train = stripes(20);
  Model model = small_network();
  EXPECT_THAT(message_of<UsageError>([&] { model.fit(train, quiet(1)); }), HasSubstr("not compiled"));
  EXPECT_THROW(model.evaluate(train), UsageError);
  EXPECT_THROW(model.compile({}), UsageError);
  CompileConfig config = how();
  config.loss = loss::squared_error();
  model.compile(config);
  EXPECT_THROW(model.fit(train, quiet(1)), TypeError);
  model.compile(how());
  const data::InMemory wrong({.inputs = Tensor(DType::f32, {4, 2, 8, 8}), .targets = Tensor(DType::i32, {4})});
  EXPECT_THAT(message_of<Error>([&] { model.fit(wrong, quiet(1)); }), HasSubstr("[2,8,8]"));
  const data::InMemory none({.inputs = Tensor(DType::f32, {4, 1, 8, 8}), .targets = {}});
  EXPECT_THAT(message_of<UsageError>([&] { model.fit(none, quiet(1)); }), HasSubstr("no targets"));
}

}  // namespace
}  // namespace ocellus
