// Networks for photographs: built at full size and counted; run on small inputs, where they cost little.
#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <map>

#include <ocellus/backend/backends.h>
#include <ocellus/ops/rearrange.h>
#include <ocellus/zoo/zoo.h>

namespace ocellus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Published {
  const char* name;
  Shape output;
  int64_t trainable, statistics;
  const char* macs;
};

void PrintTo(const Published& p, std::ostream* out) { *out << p.name; }

class Photographs : public testing::TestWithParam<Published> {};

TEST_P(Photographs, have_the_published_size_and_cost) {
  const Published& published = GetParam();
  const Model model = zoo::create(published.name);
  int64_t trainable = 0, statistics = 0;
  for (const ParameterPtr& p : model.parameters()) (p->learns() ? trainable : statistics) += p->shape().numel();
  EXPECT_EQ(trainable, published.trainable);
  EXPECT_EQ(statistics, published.statistics);
  EXPECT_EQ(model.graph().outputs[0].shape(), published.output);
  EXPECT_THAT(model.summary({.costs = true}), HasSubstr(std::string("Total MACs: ") + published.macs + "\n"));
  EXPECT_EQ(model.preprocess().height, model.graph().inputs[0].shape()[2]);
  EXPECT_EQ(model.name(), published.name);
}

const Shape thousand = {any_dim, 1000};

INSTANTIATE_TEST_SUITE_P(Zoo, Photographs,
                         testing::Values(Published{"vgg16", thousand, 138'357'544, 0, "15,470,264,320"},
                                         Published{"vgg19", thousand, 143'667'240, 0, "19,632,062,464"},
                                         Published{"resnet18", thousand, 11'689'512, 9'600, "1,814,073,344"},
                                         Published{"resnet34", thousand, 21'797'672, 17'024, "3,663,761,408"},
                                         Published{"resnet50", thousand, 25'557'032, 53'120, "4,089,184,256"},
                                         Published{"resnet101", thousand, 44'549'160, 105'344, "7,801,405,440"},
                                         Published{"resnet152", thousand, 60'192'808, 151'424, "11,513,626,624"},
                                         Published{"resnet50-v1", thousand, 25'557'032, 53'120, "3,857,973,248"},
                                         Published{"alexnet", thousand, 60'965'224, 0, "724,406,816"},
                                         Published{"alexnet-ungrouped", thousand, 62'378'344, 0, "1,135,256,096"},
                                         Published{"alexnet-one-card", thousand, 61'100'840, 0, "714,188,480"},
                                         Published{"googlenet", thousand, 6'998'552, 0, "1,582,671,872"},
                                         Published{"squeezenet", thousand, 1'235'496, 0, "349,151,936"},
                                         Published{"mobilenet", thousand, 4'231'976, 21'888, "568,740,352"},
                                         Published{"mobilenet-0.25", thousand, 470'072, 5'472, "41,030,272"},
                                         // Darknet counts 62.94 thousand million operations, two a multiply-accumulate.
                                         Published{
                                             "yolov2", {any_dim, 425, 19, 19}, 50'962'889, 20'672, "31,469,126,656"}),
                         [](const auto& info) {
                           std::string name = info.param.name;
                           for (char& c : name)
                             if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                           return name;
                         });

/// A member of every family computes, and what a sample gives does not depend on the samples beside it.
TEST(Zoo, every_family_for_photographs_predicts) {
  const std::pair<const char*, Shape> small[] = {
      {"vgg16", {3, 32, 32}},      {"resnet18", {3, 64, 48}},         {"resnet50-v1", {3, 33, 65}},
      {"alexnet", {3, 67, 67}},    {"alexnet-one-card", {3, 63, 63}}, {"googlenet", {3, 64, 64}},
      {"squeezenet", {3, 40, 64}}, {"mobilenet-0.5", {3, 64, 40}}};
  const BackendPtr backend = make_backend("onednn", {.algorithms = Algorithms::standard});
  for (const auto& [name, input] : small) {
    Model model = zoo::create(name, {.classes = 10, .input = input});
    model.set_backend(backend);
    Tensor x(DType::f32, {2, input[0], input[1], input[2]});
    Rng rng(5);
    for (float& v : x.as<float>()) v = rng.normal();
    const Tensor both = model.predict(x), last = model.predict(x.rows(1, 2));
    ASSERT_EQ(both.shape(), (Shape{2, 10})) << name;
    double spread = 0;
    for (int64_t i = 0; i < 10; ++i) {
      EXPECT_NEAR(both.at(10 + i), last.at(i), 1e-3 * (1 + std::abs(last.at(i)))) << name;
      spread += std::abs(both.at(i) - both.at(10 + i));
    }
    EXPECT_TRUE(std::isfinite(spread)) << name;
    EXPECT_GT(spread, 1e-5) << name << ": the output does not depend on the image";
  }
}

/// Weights lie as training wants them once it has begun; prediction fetches them from there, whatever order it likes.
TEST(Zoo, networks_without_batch_norm_predict_in_training_as_before) {
  for (const char* name : {"squeezenet", "googlenet"}) {
    const zoo::ZooConfig config = {.classes = 10, .input = {3, 64, 64}, .seed = 3};
    Model fresh = zoo::create(name, config), training = zoo::create(name, config);
    for (Model* model : {&fresh, &training})
      model->compile({.loss = loss::softmax_cross_entropy(),
                      .backend = make_backend("onednn", {.algorithms = Algorithms::standard})});
    Tensor x(DType::f32, {2, 3, 64, 64});
    Rng rng(5);
    for (float& v : x.as<float>()) v = rng.normal();
    training.training_program(2);
    const Tensor expected = fresh.predict(x), y = training.predict(x);
    for (int64_t i = 0; i < 20; ++i)
      EXPECT_NEAR(y.at(i), expected.at(i), 1e-3 * (1 + std::abs(expected.at(i)))) << name;
  }
}

TEST(Zoo, the_two_forms_of_a_bottleneck_stride_in_different_places) {
  const zoo::ZooConfig config = {.classes = 2, .input = {3, 64, 64}};
  const Model later = zoo::create("resnet50", config), v1 = zoo::create("resnet50-v1", config);
  EXPECT_EQ(later.value("stage2/block1/conv1").shape(), (Shape{any_dim, 128, 16, 16}));
  EXPECT_EQ(v1.value("stage2/block1/conv1").shape(), (Shape{any_dim, 128, 8, 8}));
  for (const Model& model : {later, v1})
    EXPECT_EQ(model.value("stage2/block1/conv2").shape(), (Shape{any_dim, 128, 8, 8}));
}

/// The rows of the course notes' table: filters, parameters of the convolution, and side of the output.
struct Row {
  int64_t filters, parameters, side;
};
constexpr std::array<Row, 23> yolov2_rows = {
    {{32, 864, 608},      {64, 18432, 304},     {128, 73728, 152},   {64, 8192, 152},     {128, 73728, 152},
     {256, 294912, 76},   {128, 32768, 76},     {256, 294912, 76},   {512, 1179648, 38},  {256, 131072, 38},
     {512, 1179648, 38},  {256, 131072, 38},    {512, 1179648, 38},  {1024, 4718592, 19}, {512, 524288, 19},
     {1024, 4718592, 19}, {512, 524288, 19},    {1024, 4718592, 19}, {1024, 9437184, 19}, {1024, 9437184, 19},
     {64, 32768, 38},     {1024, 11796480, 19}, {425, 435625, 19}}};

TEST(Zoo, yolov2_has_the_rows_of_the_table) {
  const Model model = zoo::create("yolov2");
  std::map<std::string, int64_t> parameters;
  for (const ParameterPtr& p : model.parameters()) parameters[p->layer()->name] += p->shape().numel();
  EXPECT_EQ(parameters.size(), 45u) << "rows with parameters";
  for (size_t i = 0; i < yolov2_rows.size(); ++i) {
    const Row& row = yolov2_rows[i];
    const std::string number = std::to_string(i + 1);
    EXPECT_EQ(parameters["conv2d_" + number], row.parameters) << number;
    const Shape shape = {any_dim, row.filters, row.side, row.side};
    EXPECT_EQ(model.value("conv2d_" + number).shape(), shape) << number;
    if (number == "23") continue;  // linear, with biases
    EXPECT_EQ(parameters["batch_normalization_" + number], 4 * row.filters) << number;
    EXPECT_EQ(model.value("leaky_re_lu_" + number).shape(), shape) << number;
  }
}

TEST(Zoo, yolov2_passes_the_finer_map_in_darknets_order) {
  const Model model = zoo::create("yolov2", {.classes = 3, .input = {3, 64, 64}});
  EXPECT_EQ(model.graph().outputs[0].shape(), (Shape{any_dim, 5 * (5 + 3), 2, 2}));
  const Value joined = model.value("concatenate_1"), passed = model.value("space_to_depth_x2");
  ASSERT_NE(passed.node().as<SpaceToDepth>(), nullptr);
  EXPECT_EQ(passed.node().as<SpaceToDepth>()->order, BlockOrder::darknet);
  EXPECT_THAT(passed.node().inputs(), ElementsAre(model.value("leaky_re_lu_21")));
  EXPECT_THAT(joined.node().inputs(), ElementsAre(passed, model.value("leaky_re_lu_20")));
  EXPECT_THAT(model.value("conv2d_21").node().inputs()[0], model.value("leaky_re_lu_13"));
}

}  // namespace
}  // namespace ocellus
