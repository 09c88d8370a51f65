// Sessions: many threads, one model.
#include <gmock/gmock.h>

#include <thread>

#include <ocellus/base/threads.h>
#include <ocellus/model/session.h>

#include "model/networks.h"
#include "tensor/files.h"

namespace ocellus {
namespace {

using ::testing::HasSubstr;
using testing_files::message_of;
using testing_models::small_network;
using testing_models::stripes;

std::vector<float> values(const Tensor& t) { return {t.as<float>().begin(), t.as<float>().end()}; }

Tensor images(int64_t count, uint64_t seed) {
  Tensor x(DType::f32, {count, 1, 8, 8});
  Rng rng(seed);
  for (float& v : x.as<float>()) v = rng.normal();
  return x;
}

// More callers than places, so that some of them wait, and another number of samples each.
TEST(Session, ManyThreadsGetWhatOneWouldGet) {
  const Model model = small_network();
  const Session session(model, {.batch = 4, .callers = 3});
  constexpr int threads = 8, rounds = 25;
  std::vector<std::vector<float>> expected(threads);
  for (int i = 0; i < threads; ++i) expected[i] = values(session.run(images(1 + i, static_cast<uint64_t>(i))));
  std::vector<int> wrong(threads, 0);
  std::vector<std::thread> callers;
  for (int i = 0; i < threads; ++i)
    callers.emplace_back([&, i] {
      const Tensor x = images(1 + i, static_cast<uint64_t>(i));
      for (int round = 0; round < rounds; ++round) wrong[i] += values(session.run(x)) != expected[i];
    });
  for (std::thread& t : callers) t.join();
  EXPECT_THAT(wrong, ::testing::Each(0));
  for (int i = 0; i < threads; ++i) {
    const Tensor alone = model.predict(images(1 + i, static_cast<uint64_t>(i)));
    EXPECT_THAT(expected[i], ::testing::Pointwise(::testing::FloatNear(1e-5f), values(alone)));
  }
}

TEST(Session, KeepsTheThreadCountOfItsCaller) {
  const int before = num_threads();
  const Session session(small_network(), {.callers = 1, .threads = 1});
  EXPECT_EQ(num_threads(), before);
  session.run(images(1, 1));
  EXPECT_EQ(num_threads(), before);
}

TEST(Session, GivesTheValuesAskedFor) {
  const Model model = small_network();
  const Session session(model, {.batch = 2, .callers = 1, .outputs = {"block/add", "dense"}});
  const Tensor x = images(3, 7);
  const std::vector<Tensor> got = session.run(std::span(&x, 1));
  const std::vector<Tensor> wanted = model.predict(std::span(&x, 1), {"block/add", "dense"});
  ASSERT_EQ(got.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(got[i].shape(), wanted[i].shape());
    EXPECT_THAT(values(got[i]), ::testing::Pointwise(::testing::FloatNear(1e-5f), values(wanted[i])));
  }
}

TEST(Session, AFurtherCallerCostsNoPackedWeights) {
  const Session one(small_network(), {.callers = 1}), many(small_network(), {.callers = 4});
  EXPECT_EQ(one.shared_bytes(), many.shared_bytes());
  EXPECT_GT(one.bytes_of_caller(), 0u);
}

TEST(Session, SaysWhatDoesNotFit) {
  const Session session(small_network(), {.callers = 1});
  EXPECT_THAT(message_of<ShapeError>([&] {
                session.run(Tensor(DType::f32, {1, 1, 8, 9}));
              }),
              HasSubstr("expects f32[N,1,8,8], got f32[1,1,8,9]"));
  EXPECT_THAT(message_of<ShapeError>([&] { session.run(Tensor()); }), HasSubstr("got nothing"));
  EXPECT_THAT(message_of<UsageError>([&] { session.run(std::span<const Tensor>()); }), HasSubstr("1 inputs, got 0"));
  EXPECT_THAT(message_of<UsageError>([] { Session(small_network(), {.batch = 0}); }), HasSubstr("batch"));
  EXPECT_THAT(message_of<UsageError>([] { Session(small_network(), {.outputs = {"dence"}}); }), HasSubstr("dense"));
}

}  // namespace
}  // namespace ocellus
