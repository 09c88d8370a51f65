// Models that predict with bytes.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include <ocellus/base/threads.h>
#include <ocellus/data/sets/digits.h>
#include <ocellus/model/session.h>
#include <ocellus/tensor/safetensors.h>

#include "model/networks.h"
#include "tensor/files.h"

namespace ocellus {
namespace {

using ::testing::HasSubstr;
using testing_files::message_of;
using testing_files::TemporaryFolder;
using testing_models::how;
using testing_models::small_network;
using testing_models::stripes;

class ModelInBytes : public testing::Test {
 protected:
  /// One thread: steps this small wait longer for each other than they compute.
  ModelInBytes() { set_num_threads(1); }
  ~ModelInBytes() override { set_num_threads(0); }

  static void SetUpTestSuite() {
    folder = std::make_unique<TemporaryFolder>();
    Model model = small_network();
    model.compile(how());
    model.fit(stripes(256), {.epochs = 6, .batch = 16, .progress = false});
    model.save(*folder / "trained.safetensors");
  }
  static void TearDownTestSuite() { folder.reset(); }

  /// Trained once; each test has its own.
  static Model trained() { return Model::load(*folder / "trained.safetensors"); }

  static inline std::unique_ptr<TemporaryFolder> folder;
};

bool computes_bytes(Model& model) {
  for (const auto& node : model.inference_program(2).graph().order())
    if (node->op().name() == "quantize") return true;
  return false;
}

TEST_F(ModelInBytes, keeps_its_accuracy_and_says_so) {
  Model model = trained();
  const auto set = stripes(256), judged = stripes(200, 5);
  const double before = *find(model.evaluate(judged), "accuracy");
  ASSERT_GT(before, 0.9);
  const QuantizeReport report = model.quantize(set, judged, {.samples = 100});
  EXPECT_NEAR(report.f32, before, 1e-9);
  EXPECT_GE(report.result, before - 0.005);
  EXPECT_EQ(report.judged, 200);
  EXPECT_EQ(report.layers.size(), 3u);
  EXPECT_EQ(model.precision(), DType::i8);
  EXPECT_TRUE(computes_bytes(model));
  EXPECT_NEAR(*find(model.evaluate(judged), "accuracy"), report.result, 1e-9);
  model.set_precision(DType::f32);
  EXPECT_FALSE(computes_bytes(model));
  model.set_precision(DType::i8);
  EXPECT_TRUE(computes_bytes(model));
}

Model digits_network() {
  const Value x = nn::input({1, 28, 28});
  Value y = nn::MaxPool2D()(nn::Conv2D({.filters = 6, .kernel = 5, .padding = same, .activation = relu})(x));
  y = nn::MaxPool2D()(nn::Conv2D({.filters = 16, .kernel = 5, .activation = relu})(y));
  y = nn::Dense({.units = 64, .activation = relu})(nn::Flatten()(y));
  return Model({x}, {nn::Dense({.units = 10})(y)});
}

TEST_F(ModelInBytes, all_methods_stay_within_half_a_point_on_digits) {
  const auto train = data::digits({.count = 4000}), test = data::digits({.split = Split::test, .count = 1000});
  Model model = digits_network();
  model.compile(how(optim::Adam({.lr = 2e-3})));
  model.fit(train, {.epochs = 2, .batch = 64, .progress = false});
  for (const auto method : {CalibrationMethod::minmax, CalibrationMethod::percentile, CalibrationMethod::entropy}) {
    SCOPED_TRACE(enum_names(method)[static_cast<size_t>(method)]);
    const QuantizeReport report = model.quantize(train, test, {.calibration = {.method = method}, .samples = 200});
    EXPECT_GT(report.f32, 0.9);
    EXPECT_GE(report.i8, report.f32 - 0.005);
    for (const QuantizedLayer& layer : report.layers) EXPECT_FALSE(layer.wide) << layer.name;
  }
}

/// A calibration set that says too little makes a network lose much, and layers that lose most go back to f32.
TEST_F(ModelInBytes, layers_that_lose_too_much_stay_f32) {
  Model model = trained();
  Tensor dim = stripes(16).inputs().clone();
  for (float& v : dim.as<float>()) v *= 0.02f;
  const data::InMemory misleading({.inputs = dim});
  const auto judged = stripes(200, 5);
  std::vector<std::string> steps;
  const QuantizeReport report = model.quantize(
      misleading, judged, {.max_drop = 1, .progress = [&](std::string_view what) { steps.emplace_back(what); }});
  EXPECT_LT(report.i8, report.f32 - 0.01);
  EXPECT_GE(report.result, report.f32 - 0.01);
  EXPECT_TRUE(report.layers[0].wide) << "the one that loses most";
  for (size_t i = 1; i < report.layers.size(); ++i) {
    EXPECT_GE(report.layers[i - 1].error, report.layers[i].error);
    EXPECT_LE(report.layers[i].wide, report.layers[i - 1].wide);
  }
  EXPECT_NEAR(*find(model.evaluate(judged), "accuracy"), report.result, 1e-9);
  EXPECT_THAT(steps, testing::Contains(HasSubstr("error of ")));
}

TEST_F(ModelInBytes, the_file_carries_the_ranges) {
  Model model = trained();
  model.quantize(stripes(64), stripes(64, 5), {.max_drop = 100});
  model.save(*folder / "m.safetensors");
  Model loaded = Model::load(*folder / "m.safetensors");
  ASSERT_NE(loaded.calibration(), nullptr);
  EXPECT_EQ(*loaded.calibration(), *model.calibration());
  EXPECT_EQ(loaded.precision(), DType::i8);
  const Tensor x = stripes(4, 7).inputs();
  EXPECT_EQ(loaded.predict(x).at(3), model.predict(x).at(3));
  EXPECT_TRUE(computes_bytes(loaded));
}

TEST_F(ModelInBytes, sessions_compute_as_the_model_does) {
  Model model = trained();
  model.quantize(stripes(64), stripes(64, 5), {.max_drop = 100});
  const Session session(model, {.batch = 2, .callers = 2});
  const Tensor x = stripes(4, 7).inputs(), a = session.run(x), b = model.predict(x, {.batch = 2});
  for (int64_t i = 0; i < b.numel(); ++i) EXPECT_EQ(a.at(i), b.at(i));
}

TEST_F(ModelInBytes, new_weights_need_new_ranges) {
  Model model = trained();
  model.save(*folder / "plain.safetensors");
  const auto set = stripes(64);
  const auto again = [&] { model.quantize(set, set, {.max_drop = 100}); };
  const auto forgotten = [&] { return model.calibration() == nullptr && model.precision() == DType::f32; };
  again();
  EXPECT_FALSE(forgotten());
  model.fit(set, {.epochs = 1, .progress = false});
  EXPECT_TRUE(forgotten());
  again();
  model.load_weights(*folder / "plain.safetensors");
  EXPECT_TRUE(forgotten());
  again();
  model.initialise(4);
  EXPECT_TRUE(forgotten());
  EXPECT_EQ(message_of<UsageError>([&] { model.set_precision(DType::i8); }),
            "model small: computes in i8 only with a calibration (see Model::quantize)");
}

TEST_F(ModelInBytes, hostile_calibrations_are_refused) {
  using nlohmann::json;
  Model model = trained();
  model.set_calibration(model.calibrate(stripes(16)));
  const auto path = *folder / "m.safetensors";
  model.save(path);
  const auto load = [&](const std::string& text) {
    SafetensorsFile file = read_safetensors(path);
    for (auto& [name, tensor] : file.tensors) tensor = tensor.clone();
    file.metadata["quantization"] = text;
    const auto damaged = *folder / "damaged.safetensors";
    write_safetensors(damaged, file);
    return Model::load(damaged);
  };
  const std::pair<const char*, const char*> cases[] = {
      {"{\"ranges\":", "is damaged"},
      {"[]", "is damaged"},
      {"{\"ranges\": {}}", "is damaged"},
      {R"({"ranges": {"a": 3}, "f32": []})", "is damaged"},
      {R"({"ranges": {"a": [0, "1"]}, "f32": []})", "is damaged"},
      {R"({"ranges": {"a": [0, 1, 2]}, "f32": []})", "the range [0,1,2] of \"a\" is no interval around 0"},
      {R"({"ranges": {"a": [0, -1]}, "f32": []})", "is no interval around 0"},
      {R"({"ranges": {"a": [1, 2]}, "f32": []})", "is no interval around 0"},
      {R"({"ranges": {"a": [0, 1e999]}, "f32": []})", "damaged"},
      {R"({"ranges": {}, "f32": ["warp_drive"]})", "names a layer \"warp_drive\" that the model does not have"},
      {R"({"ranges": {}, "f32": [7]})", "is damaged"},
      {R"({"ranges": {}, "f32": "conv2d"})", "is damaged"},
  };
  for (const auto& [text, expected] : cases) {
    SCOPED_TRACE(text);
    EXPECT_THAT(message_of<FormatError>([&] { load(text); }),
                testing::AllOf(HasSubstr("metadata quantization"), HasSubstr(expected)));
  }
  // Ranges of values that there are not do nothing.
  Model ignoring = load(R"({"ranges": {"warp": [0, 1]}, "f32": ["dense"]})");
  EXPECT_FALSE(computes_bytes(ignoring));
}

TEST_F(ModelInBytes, wrong_requests_are_refused) {
  Model model = trained();
  const auto set = stripes(8);
  EXPECT_EQ(message_of<UsageError>([&] { model.quantize(set, set, {.max_drop = -1}); }),
            "the largest drop must be 0 or more, got -1");
  const Tensor x = set.inputs();
  EXPECT_EQ(message_of<UsageError>([&] { model.quantize(set, data::InMemory({.inputs = x})); }),
            "the data set's samples have no targets");
  EXPECT_EQ(model.calibration(), nullptr);
}

}  // namespace
}  // namespace ocellus
