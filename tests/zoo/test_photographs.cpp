// Networks for photographs: built at full size and counted; run on small inputs, where they cost little.
#include <gmock/gmock.h>

#include <cmath>
#include <map>

#include <ocellus/backend/backends.h>
#include <ocellus/zoo/zoo.h>

namespace ocellus {
namespace {

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
                                         Published{"resnet50-v1", thousand, 25'557'032, 53'120, "3,857,973,248"}),
                         [](const auto& info) {
                           std::string name = info.param.name;
                           for (char& c : name)
                             if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                           return name;
                         });

/// A member of every family computes, and what a sample gives does not depend on the samples beside it.
TEST(Zoo, every_family_for_photographs_predicts) {
  const std::pair<const char*, Shape> small[] = {
      {"vgg16", {3, 32, 32}}, {"resnet18", {3, 64, 48}}, {"resnet50-v1", {3, 33, 65}}};
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
    EXPECT_GT(spread, 1e-3) << name << ": the output does not depend on the image";
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

}  // namespace
}  // namespace ocellus
