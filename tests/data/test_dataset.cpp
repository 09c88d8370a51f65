#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <thread>

#include <ocellus/data/augment.h>
#include <ocellus/data/dataset.h>
#include <ocellus/data/decorators.h>

#include "data/support.h"

namespace ocellus::data {
namespace {

/// Samples whose input [1] and target are their own number.
InMemory numbers(int32_t count, std::vector<std::string> classes = {}) {
  std::vector<float> inputs(static_cast<size_t>(count));
  std::vector<int32_t> targets(static_cast<size_t>(count));
  std::iota(inputs.begin(), inputs.end(), 0.f);
  std::iota(targets.begin(), targets.end(), 0);
  return InMemory({.inputs = Tensor::of<float>({count, 1}, inputs),
                   .targets = Tensor::of<int32_t>({count}, targets),
                   .classes = std::move(classes),
                   .name = "numbers"});
}

std::vector<int> values(const Dataset& set) {
  std::vector<int> all;
  Rng rng;
  for (int64_t i = 0; i < set.size(); ++i) all.push_back(static_cast<int>(set.get(i, rng).target.at(0)));
  return all;
}

TEST(Dataset, InMemoryGivesViews) {
  const InMemory set = numbers(5);
  Rng rng;
  const Sample sample = set.get(3, rng);
  EXPECT_EQ(sample.input.shape(), (Shape{1}));
  EXPECT_EQ(sample.target.shape(), Shape{});
  EXPECT_EQ(sample.target.at(0), 3);
  EXPECT_EQ(sample.input.data(), static_cast<const float*>(set.inputs().data()) + 3);
  EXPECT_EQ(set.input_shape(), (Shape{1}));
  EXPECT_EQ(set.where(3), "numbers sample 3");
}

TEST(Dataset, InputsAndTargetsMustBeAsMany) {
  EXPECT_EQ(message_of<ShapeError>([] {
              InMemory({.inputs = Tensor(DType::u8, {3, 1, 2, 2}), .targets = Tensor(DType::i32, {4}), .name = "bad"});
            }),
            "bad: inputs [3,1,2,2] and targets [4] differ in number");
}

TEST(Decorators, MapChangesSamplesAsTheyAreAskedFor) {
  const AnyDataset twice = map(numbers(4), [](Sample s, Rng&) {
    s.target = Tensor::of<int32_t>({}, {2 * static_cast<int32_t>(s.target.at(0))});
    return s;
  });
  EXPECT_EQ(values(twice), (std::vector<int>{0, 2, 4, 6}));
}

TEST(Decorators, SubsetsRangesAndSplits) {
  EXPECT_EQ(values(subset(numbers(10), {7, 2, 2})), (std::vector<int>{7, 2, 2}));
  EXPECT_EQ(values(range(numbers(10), 3, 6)), (std::vector<int>{3, 4, 5}));
  const auto [large, small] = split(numbers(10), 0.7, 1);
  EXPECT_EQ(large.size(), 7);
  auto all = values(concat({large, small}));
  EXPECT_NE(all, values(numbers(10)));
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, values(numbers(10)));
  EXPECT_EQ(range(numbers(10), 3, 6).where(1), "numbers sample 4");
}

TEST(Decorators, SubsetsStayInside) {
  EXPECT_EQ(message_of<UsageError>([] { subset(numbers(3), {0, 3}); }), "numbers has no sample 3: it has 3");
  EXPECT_EQ(message_of<UsageError>([] { range(numbers(3), 2, 4); }), "numbers has no samples 2 to 4: it has 3");
  EXPECT_THROW(split(numbers(3), 1.5), UsageError);
}

TEST(Decorators, ShuffleIsSeeded) {
  const auto a = values(shuffle(numbers(50), 1)), b = values(shuffle(numbers(50), 1)),
             c = values(shuffle(numbers(50), 2));
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  EXPECT_TRUE(std::is_permutation(a.begin(), a.end(), c.begin()));
}

TEST(Decorators, ConcatKeepsOrderAndChecksClasses) {
  EXPECT_EQ(values(concat({numbers(2), numbers(0), numbers(3)})), (std::vector<int>{0, 1, 0, 1, 2}));
  EXPECT_EQ(message_of<UsageError>([] {
              concat({numbers(2, {"a"}), numbers(2, {"b"})});
            }),
            "numbers and numbers have different classes");
}

TEST(Decorators, CacheReadsEachSampleOnceWhateverTheThreads) {
  std::atomic<int> reads = 0;
  const AnyDataset cached = cache(map(numbers(100), [&reads](Sample s, Rng& rng) {
    ++reads;
    s.input = Tensor::scalar(rng.uniform());
    return s;
  }));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int64_t i = 0; i < 100; ++i) {
        Rng rng(static_cast<uint64_t>(i));
        cached.get(i, rng);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(reads, 100);
  Rng one(1), two(2);
  EXPECT_EQ(cached.get(5, one).input.at(0), cached.get(5, two).input.at(0));
}

TEST(Decorators, DataSetsAreKeptAlive) {
  AnyDataset part = range(std::make_shared<const InMemory>(numbers(4)), 1, 3);
  EXPECT_EQ(values(part), (std::vector<int>{1, 2}));
  EXPECT_THROW(AnyDataset(std::shared_ptr<const Dataset>()), UsageError);
}

}  // namespace
}  // namespace ocellus::data
