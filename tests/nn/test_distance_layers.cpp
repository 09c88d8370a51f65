#include <gmock/gmock.h>

#include <ocellus/engine/reference.h>
#include <ocellus/nn/layers/distance.h>
#include <ocellus/nn/layers/gram.h>

#include "nn/layer_check.h"

namespace ocellus::nn {
namespace {

TEST(DistanceLayers, AreLayers) {
  layer_check({.title = "siamese", .make = maker<Distance>(DistanceConfig{}), .samples = {{6}, {6}}, .output = {1}});
  layer_check({.title = "angles",
               .make = maker<Distance>(DistanceConfig{.kind = DistanceKind::cosine}),
               .samples = {{6}, {6}},
               .output = {1}});
  layer_check({.title = "style",
               .make = maker<Gram>(GramConfig{.divisor = GramDivisor::elements}),
               .samples = {{3, 4, 5}},
               .output = {3, 3}});
}

TEST(DistanceLayers, DoWhatTheirConfigurationsSay) {
  const Tensor a = Tensor::of<float>({2, 2}, {0, 0, 1, 1}), b = Tensor::of<float>({2, 2}, {3, 4, 1, 2});
  const auto distances = [&](DistanceKind kind) {
    Graph graph;
    graph.inputs = {input({2}), input({2})};
    graph.outputs = {Distance({.kind = kind})(graph.inputs)};
    const Tensor y = evaluate(graph, std::vector{a, b})[0];
    return std::vector<float>(y.as<float>().begin(), y.as<float>().end());
  };
  EXPECT_THAT(distances(DistanceKind::l2), testing::ElementsAre(5, 1));
  EXPECT_THAT(distances(DistanceKind::squared_l2), testing::ElementsAre(25, 1));
  EXPECT_THAT(distances(DistanceKind::l1), testing::ElementsAre(7, 1));
}

TEST(DistanceLayers, RefuseWhatDoesNotFit) {
  EXPECT_THAT([] { Distance({.name = "apart"})(input({3})); },
              testing::ThrowsMessage<ShapeError>("[distance apart] takes two inputs, got 1"));
  EXPECT_THROW(Distance()({input({3}), input({4})}), ShapeError);
  EXPECT_THROW(Gram()(input({3})), ShapeError);
}

}  // namespace
}  // namespace ocellus::nn
