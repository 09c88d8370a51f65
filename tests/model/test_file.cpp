#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include <ocellus/nn/layers/radial_basis.h>
#include <ocellus/ops/host.h>
#include <ocellus/tensor/safetensors.h>

#include "model/networks.h"
#include "tensor/files.h"

namespace ocellus {
namespace {

using nlohmann::json;
using testing_files::message_of;
using testing_files::read_text;
using testing_files::TemporaryFolder;
using testing_files::write_text;
using testing_models::how;
using testing_models::small_network;
using testing_models::stripes;
using testing_models::weights;
using ::testing::HasSubstr;

Model trained() {
  Model model = small_network();
  model.compile(how(optim::Adam({.lr = 0.01, .weight_decay = 1e-4, .decay_norm_and_bias = false})));
  model.fit(stripes(48), {.epochs = 1, .batch = 16, .progress = false});
  return model;
}

TEST(ModelFile, gives_back_everything) {
  const TemporaryFolder folder;
  Model model = trained();
  model.trainable("block", false);
  data::Preprocess preprocess = model.preprocess();
  preprocess.mean = {0.25f};
  model.set_preprocess(preprocess);
  model.set_metadata("origin", "drawn \xc3\xa0 la main");
  model.set_metadata("nothing", "");
  model.save(folder / "m.safetensors");

  const Model loaded = Model::load(folder / "m.safetensors");
  EXPECT_EQ(loaded.summary(), model.summary());
  EXPECT_EQ(weights(loaded), weights(model));
  EXPECT_EQ(loaded.class_names(), model.class_names());
  EXPECT_EQ(loaded.preprocess(), model.preprocess());
  EXPECT_EQ(loaded.metadata(), (std::map<std::string, std::string>{{"origin", "drawn \xc3\xa0 la main"}}));
  EXPECT_EQ(loaded.history().to_json(), model.history().to_json());
  ASSERT_TRUE(loaded.compiled());
  EXPECT_EQ(loaded.configuration().optimizer->describe(), model.configuration().optimizer->describe());
  EXPECT_EQ(loaded.configuration().metrics[0]->name(), "accuracy");
  const auto test = stripes(30, 9);
  EXPECT_EQ(loaded.evaluate(test), model.evaluate(test));

  // Saved again, it is the same file: nothing was lost on the way, the optimiser's state included.
  loaded.save(folder / "again.safetensors");
  EXPECT_TRUE(read_text(folder / "again.safetensors") == read_text(folder / "m.safetensors"));
}

TEST(ModelFile, a_loaded_model_trains_on_as_the_first_one_does) {
  const TemporaryFolder folder;
  Model model = trained();
  model.save(folder / "m.safetensors");
  Model loaded = Model::load(folder / "m.safetensors");
  const auto data = stripes(48, 8);
  model.fit(data, {.epochs = 1, .batch = 16, .progress = false});
  loaded.fit(data, {.epochs = 1, .batch = 16, .progress = false});
  EXPECT_EQ(weights(loaded), weights(model));
}

TEST(ModelFile, keeps_shared_layers_several_inputs_and_constants) {
  const TemporaryFolder folder;
  const nn::Dense tower({.units = 3, .name = "tower"});
  const Value a = nn::input({5}, "left"), b = nn::input({5}, "right");
  const Value both = nn::Add()({tower(a), tower(b)});
  const Value y = nn::RadialBasis({.centres = Tensor::of<float>({2, 3}, {1, 2, 3, 4, 5, 6})})(both);
  const Model model({a, b}, {y, both}, {.name = "pair"});
  model.save(folder / "m.safetensors");
  const Model loaded = Model::load(folder / "m.safetensors");
  EXPECT_EQ(loaded.value_names(), model.value_names());
  EXPECT_EQ(loaded.input_names(), (std::vector<std::string>{"left", "right"}));
  EXPECT_EQ(loaded.count_parameters(), 18);
  Tensor x(DType::f32, {1, 5});
  x.fill(0.5);
  const std::vector<Tensor> inputs = {x, x};
  EXPECT_EQ(loaded.predict(inputs, {"radial_basis"})[0].at(1), model.predict(inputs, {"radial_basis"})[0].at(1));
}

TEST(ModelFile, host_operators_cannot_be_saved_and_leave_the_old_file) {
  const TemporaryFolder folder;
  write_text(folder / "m.safetensors", "old");
  const Value x = nn::input({3});
  const HostSpec spec{.name = "mine",
                      .infer = [](std::span<const TensorType> t) { return Types{t[0]}; },
                      .run = [](std::span<const Tensor> in, std::span<Tensor> out) { out[0].copy_from(in[0]); },
                      .gradient = nullptr};
  const Model model({x}, {host_op(spec, {x})[0]});
  EXPECT_THROW(model.save(folder / "m.safetensors"), Unsupported);
  EXPECT_EQ(read_text(folder / "m.safetensors"), "old");
  EXPECT_EQ(folder.files(), 1u);
}

TEST(ModelFile, says_which_loss_has_to_be_given_again) {
  const TemporaryFolder folder;
  Model model = small_network();
  CompileConfig config = how();
  config.loss = loss::custom({.loss = {.name = "hinge", .fn = [](const Tensor&, std::span<const Tensor>, Tensor&) {
                                return std::vector<LossPart>{{"loss", 1}};
                              }},
                              .target = [](const TensorType& p, DType) {
                                return TensorType{DType::i32, {p.shape[0]}};
                              }});
  model.compile(config);
  const auto train = stripes(16);
  model.fit(train, {.batch = 16, .progress = false});
  model.save(folder / "m.safetensors");
  Model::load(folder / "m.safetensors").save(folder / "again.safetensors");

  for (const char* name : {"m.safetensors", "again.safetensors"}) {
    Model loaded = Model::load(folder / name);
    EXPECT_FALSE(loaded.compiled());
    EXPECT_EQ(loaded.lacks(), "the loss \"hinge\"");
    EXPECT_EQ(loaded.summary(), model.summary());
    EXPECT_EQ(weights(loaded), weights(model));
    const std::string expected =
        "model small is not compiled: the loss \"hinge\" is a function of the program that saved the model and must be given "
        "again by compile(...)";
    EXPECT_EQ(message_of<UsageError>([&] { loaded.fit(train, {.progress = false}); }), expected);
    EXPECT_EQ(message_of<UsageError>([&] { loaded.evaluate(train); }), expected);
    EXPECT_EQ(message_of<UsageError>([&] { loaded.training_program(4); }), expected);
    loaded.compile(config);
    EXPECT_EQ(loaded.lacks(), "");
    EXPECT_NEAR(*find(loaded.evaluate(train), "loss"), 1, 1e-6);
  }
}

TEST(ModelFile, truncated_at_every_percent_is_refused_by_name) {
  const TemporaryFolder folder;
  trained().save(folder / "m.safetensors");
  const std::string whole = read_text(folder / "m.safetensors");
  const auto cut = folder / "cut.safetensors";
  for (size_t percent = 0; percent < 100; ++percent) {
    write_text(cut, whole.substr(0, whole.size() * percent / 100));
    EXPECT_THAT(message_of<FormatError>([&] { Model::load(cut); }), HasSubstr("cut.safetensors")) << percent;
  }
}

/// A saved model whose metadata has been changed.
class Tampered {
 public:
  Tampered() : path_(folder_ / "m.safetensors") {
    trained().save(path_);
    file_ = read_safetensors(path_);
    for (auto& [name, tensor] : file_.tensors) tensor = tensor.clone();
    architecture_ = json::parse(file_.metadata.at("architecture"));
  }
  json& architecture() { return architecture_; }
  SafetensorsFile& file() { return file_; }
  template <class E = FormatError>
  std::string message() {
    file_.metadata["architecture"] = architecture_.dump();
    write_safetensors(path_, file_);
    return message_of<E>([&] { Model::load(path_); });
  }
  size_t node(const std::string& op) {
    for (size_t i = 0; i < architecture_["nodes"].size(); ++i)
      if (architecture_["nodes"][i]["op"] == op) return i;
    throw std::runtime_error("no node " + op);
  }

 private:
  TemporaryFolder folder_;
  std::filesystem::path path_;
  SafetensorsFile file_;
  json architecture_;
};

TEST(ModelFile, hostile_architectures_are_refused) {
  const std::pair<std::function<void(Tampered&)>, const char*> cases[] = {
      {[](Tampered& t) { t.architecture()["nodes"][t.node("conv")]["op"] = "warp_drive"; }, "warp_drive"},
      {[](Tampered& t) { t.architecture()["nodes"][t.node("conv")]["inputs"][0] = {9999, 0}; }, "does not come before it"},
      {[](Tampered& t) { t.architecture()["nodes"][t.node("conv")]["inputs"][0] = {t.node("conv"), 0}; }, "does not come before"},
      {[](Tampered& t) { t.architecture()["nodes"][t.node("conv")]["inputs"][0] = {-1, 0}; }, "does not come before it"},
      {[](Tampered& t) { t.architecture()["nodes"][t.node("conv")]["inputs"][0] = {0, 5}; }, "refers to output 5"},
      {[](Tampered& t) { t.architecture()["nodes"][t.node("conv")]["inputs"].erase(1); }, "node"},
      {[](Tampered& t) { t.architecture()["nodes"][t.node("conv")]["attributes"]["groups"] = 3; }, "node"},
      {[](Tampered& t) { t.architecture()["nodes"][t.node("conv")]["attributes"]["groups"] = "many"; }, "groups"},
      {[](Tampered& t) { t.architecture()["nodes"][t.node("conv")]["attributes"]["stride"] = {0, 0}; }, "node"},
      {[](Tampered& t) { t.architecture()["nodes"][0]["attributes"]["shape"] = {-1, 1, int64_t{1} << 40, int64_t{1} << 40}; },
       "node"},
      {[](Tampered& t) { t.architecture()["nodes"][t.node("parameter")]["parameter"] = 77; }, "77"},
      {[](Tampered& t) { t.architecture()["nodes"][t.node("parameter")]["parameter"] = -1; }, "-1"},
      {[](Tampered& t) { t.architecture()["parameters"][0]["shape"] = {1 << 30, 1 << 30}; }, "the architecture says"},
      {[](Tampered& t) { t.architecture()["parameters"][0]["role"] = "spy"; }, "unknown role spy"},
      {[](Tampered& t) { t.architecture()["parameters"][0]["layer"] = 1.5; }, "layer"},
      {[](Tampered& t) { t.architecture()["outputs"] = json::array(); }, "no outputs"},
      {[](Tampered& t) { t.architecture()["inputs"] = json::array(); }, "not listed"},
      {[](Tampered& t) { t.architecture()["layers"][0]["name"] = 7; }, "damaged"},
      {[](Tampered& t) { t.architecture().erase("nodes"); }, "damaged"},
      {[](Tampered& t) { t.architecture() = json::array(); }, "damaged"},
  };
  int number = 0;
  for (const auto& [damage, expected] : cases) {
    SCOPED_TRACE(++number);
    Tampered t;
    damage(t);
    EXPECT_THAT(t.message(), HasSubstr(expected));
  }
}

TEST(ModelFile, missing_and_foreign_tensors_are_named) {
  {
    Tampered t;
    std::erase_if(t.file().tensors, [](const auto& entry) { return entry.first == "conv2d/kernel"; });
    EXPECT_THAT(t.message(), HasSubstr("tensor conv2d/kernel: is missing"));
  }
  {
    Tampered t;
    for (auto& [name, tensor] : t.file().tensors)
      if (name == "conv2d/kernel") tensor = Tensor(DType::f64, tensor.shape());
    EXPECT_THAT(t.message(), HasSubstr("tensor conv2d/kernel: is f64"));
  }
  {
    Tampered t;
    for (auto& [name, tensor] : t.file().tensors)
      if (name == "optimizer/m/dense/kernel") tensor = Tensor(DType::f32, {2});
    EXPECT_THAT(t.message(), HasSubstr("tensor optimizer/m/dense/kernel: is f32[2]"));
  }
}

TEST(ModelFile, other_metadata_is_checked) {
  for (const char* key : {"preprocess", "classes", "history", "compile"}) {
    Tampered t;
    t.file().metadata[key] = "{\"a\":";
    EXPECT_THAT(t.message(), HasSubstr("m.safetensors")) << key;
  }
  Tampered newer;
  newer.file().metadata["format_version"] = "2";
  EXPECT_THAT(newer.message<Unsupported>(), HasSubstr("written by a newer ocellus"));
  Tampered foreign;
  foreign.file().metadata.erase("format");
  EXPECT_THAT(foreign.message(), HasSubstr("no ocellus model"));
}

TEST(ModelFile, weights_alone_can_be_loaded_into_the_same_architecture) {
  const TemporaryFolder folder;
  const Model model = trained();
  model.save(folder / "m.safetensors");
  Model other = small_network(33);
  other.load_weights(folder / "m.safetensors");
  EXPECT_EQ(weights(other), weights(model));
  const Value x = nn::input({1, 8, 8});
  Model different({x}, {nn::Conv2D({.filters = 5})(x)});
  const auto before = weights(different);
  EXPECT_THAT(message_of<FormatError>([&] { different.load_weights(folder / "m.safetensors"); }),
              HasSubstr("tensor conv2d/kernel: is f32[4,1,3,3], the model needs f32[5,1,3,3]"));
  EXPECT_EQ(weights(different), before);
}

}  // namespace
}  // namespace ocellus
