#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <set>
#include <thread>

#include <ocellus/data/decorators.h>
#include <ocellus/data/loader.h>
#include <ocellus/data/sets/image_folder.h>

#include "data/support.h"

namespace ocellus::data {
namespace {

/// Small images whose pixels are all their own number, labelled with it.
InMemory numbered_images(int64_t count) {
  Tensor images(DType::u8, {count, 3, 8, 8}), labels(DType::i32, {count});
  for (int64_t i = 0; i < count; ++i) {
    std::memset(images.as<uint8_t>().data() + i * 192, static_cast<int>(i), 192);
    labels.as<int32_t>()[static_cast<size_t>(i)] = static_cast<int32_t>(i);
  }
  return InMemory({.inputs = images, .targets = labels, .name = "images"});
}

LoaderConfig random_config(int workers) {
  return {.batch = 7,
          .shuffle = true,
          .seed = 11,
          .workers = workers,
          .augment = {mirror(), pad_and_crop({.pixels = 2})},
          .preprocess = {.mean = {0.1f, 0.2f, 0.3f}, .std = {0.5f}}};
}

/// All bytes of the batches that are left.
std::vector<std::string> drain(Loader& loader) {
  std::vector<std::string> all;
  Batch batch;
  while (loader.next(batch)) {
    std::string bytes(static_cast<const char*>(batch.inputs.data()), batch.inputs.bytes());
    bytes.append(static_cast<const char*>(batch.targets.data()), batch.targets.bytes());
    all.push_back(std::move(bytes));
  }
  return all;
}

TEST(Loader, BatchesAreTheSameForAnyNumberOfWorkers) {
  const InMemory set = numbered_images(100);
  Loader alone(set, random_config(0));
  alone.start(3);
  const auto expected = drain(alone);
  ASSERT_EQ(expected.size(), 15u);
  for (const int workers : {1, 2, 5}) {
    Loader loader(set, random_config(workers));
    loader.start(3);
    EXPECT_EQ(drain(loader), expected) << workers;
  }
}

TEST(Loader, EpochsDifferAndOneCanBeEnteredInTheMiddle) {
  const InMemory set = numbered_images(100);
  for (const int workers : {0, 2}) {
    Loader loader(set, random_config(workers));
    const auto first = drain(loader);
    loader.start(1);
    const auto second = drain(loader);
    EXPECT_NE(first, second);
    loader.start(1, 9);
    EXPECT_EQ(drain(loader), std::vector<std::string>(second.begin() + 9, second.end()));
    loader.start(0);
    EXPECT_EQ(drain(loader), first);
  }
}

TEST(Loader, EverySampleComesOnceAndTheLastBatchIsSmaller) {
  const InMemory set = numbered_images(23);
  Loader loader(set, {.batch = 10, .shuffle = true, .workers = 2, .preprocess = {.scale = 1}});
  EXPECT_EQ(loader.batches(), 3);
  std::multiset<int> seen;
  std::vector<int64_t> sizes;
  Batch batch;
  while (loader.next(batch)) {
    EXPECT_EQ(batch.index, static_cast<int64_t>(sizes.size()));
    sizes.push_back(batch.size());
    EXPECT_EQ(batch.inputs.shape(), (Shape{batch.size(), 3, 8, 8}));
    for (int64_t i = 0; i < batch.size(); ++i) {
      EXPECT_EQ(batch.inputs.at(i * 192 + 100), batch.targets.at(i));
      seen.insert(static_cast<int>(batch.targets.at(i)));
    }
  }
  EXPECT_EQ(sizes, (std::vector<int64_t>{10, 10, 3}));
  EXPECT_EQ(seen.size(), 23u);
  EXPECT_EQ(std::set<int>(seen.begin(), seen.end()).size(), 23u);
  EXPECT_FALSE(loader.next(batch));
}

TEST(Loader, DropLast) {
  const InMemory set = numbered_images(23);
  Loader loader(set, {.batch = 10, .drop_last = true});
  EXPECT_EQ(drain(loader).size(), 2u);
}

TEST(Loader, MemoryIsUsedAgainButNotWhileABatchIsHeld) {
  const InMemory set = numbered_images(80);
  for (const int workers : {0, 2}) {
    Loader loader(set, {.batch = 8, .workers = workers, .preprocess = {.scale = 1}});
    Batch held, batch;
    ASSERT_TRUE(loader.next(held));
    std::set<const void*> places;
    while (loader.next(batch)) {
      EXPECT_NE(batch.inputs.data(), held.inputs.data());
      places.insert(batch.inputs.data());
    }
    EXPECT_LE(places.size(), workers == 0 ? 1u : 7u);
    EXPECT_EQ(held.inputs.at(0), 0);
  }
}

TEST(Loader, ABatchOutlivesItsLoader) {
  const InMemory set = numbered_images(8);
  Batch batch;
  {
    Loader loader(set, {.batch = 8, .preprocess = {.scale = 1}});
    ASSERT_TRUE(loader.next(batch));
  }
  EXPECT_EQ(batch.inputs.at(7 * 192), 7);
}

TEST(Loader, EarlyDestructionJoinsBusyWorkers) {
  const AnyDataset slow = map(numbered_images(100), [](Sample s, Rng&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return s;
  });
  for (int taken = 0; taken < 3; ++taken) {
    Loader loader(slow, {.batch = 5, .workers = 3});
    Batch batch;
    for (int i = 0; i < taken; ++i) ASSERT_TRUE(loader.next(batch));
    if (taken == 2) loader.start(1);
  }
}

TEST(Loader, AFailingSampleIsNamedAtItsTurn) {
  const AnyDataset failing = map(numbered_images(20), [](Sample s, Rng&) {
    if (s.target.at(0) == 9) throw std::runtime_error("nine is not liked");
    return s;
  });
  for (const int workers : {0, 1, 3}) {
    Loader loader(failing, {.batch = 4, .workers = workers});
    Batch batch;
    ASSERT_TRUE(loader.next(batch));
    ASSERT_TRUE(loader.next(batch));
    EXPECT_EQ(message_of<Error>([&] { loader.next(batch); }), "images sample 9: nine is not liked");
    ASSERT_TRUE(loader.next(batch)) << "the batch after it can still be had";
    EXPECT_EQ(batch.index, 3);
    EXPECT_EQ(batch.targets.at(0), 12);
  }
}

TEST(Loader, AnUnreadableFileIsNamed) {
  const Scratch scratch;
  save_image(scratch.write("a/1.png", ""), Image(4, 4, 3));
  const auto bad = scratch.write("b/2.jpg", "not a picture");
  const ImageFolder set(scratch.path());
  for (const int workers : {0, 2}) {
    Loader loader(set, {.batch = 1, .workers = workers});
    Batch batch;
    ASSERT_TRUE(loader.next(batch));
    EXPECT_EQ(message_of<FormatError>([&] { loader.next(batch); }),
              bad.string() + ": not an image: its first bytes are not those of JPEG, PNG, BMP, PNM or WebP");
  }
}

TEST(Loader, ImagesOfDifferentSizesNeedASize) {
  const Scratch scratch;
  save_image(scratch.write("a/1.png", ""), Image(4, 4, 3));
  save_image(scratch.write("a/2.png", ""), Image(6, 5, 3));
  const ImageFolder set(scratch.path());
  Batch batch;
  Loader as_they_come(set, {.batch = 2, .workers = 0});
  EXPECT_EQ(message_of<Error>([&] { as_they_come.next(batch); }),
            (scratch / "a/2.png").string() +
                ": its shape [3,5,6] is not the [3,4,4] of the batch's first sample: give a size to resize to");
  Loader resized(set, {.batch = 2, .workers = 0, .preprocess = {.height = 8, .width = 9}});
  ASSERT_TRUE(resized.next(batch));
  EXPECT_EQ(batch.inputs.shape(), (Shape{2, 3, 8, 9}));
}

TEST(Loader, SoftTargetsAndNoTargets) {
  Batch batch;
  const InMemory soft({.inputs = Tensor(DType::f32, {4, 2}), .targets = Tensor::full(DType::f32, {4, 3}, 0.25)});
  Loader a(soft, {.batch = 4});
  ASSERT_TRUE(a.next(batch));
  EXPECT_EQ(batch.targets.shape(), (Shape{4, 3}));
  EXPECT_EQ(batch.targets.at(11), 0.25);
  const InMemory none({.inputs = Tensor(DType::f32, {4, 2})});
  Loader b(none, {.batch = 3});
  ASSERT_TRUE(b.next(batch));
  EXPECT_FALSE(batch.targets);
}

TEST(Loader, RefusesImpossibleSettings) {
  const InMemory set = numbered_images(10);
  EXPECT_EQ(message_of<UsageError>([&] { Loader(set, {.batch = 0}); }), "a batch takes at least one sample, not 0");
  Loader loader(set, {.batch = 5});
  EXPECT_EQ(loader.workers(), 0) << "a set in memory needs none";
  EXPECT_EQ(message_of<UsageError>([&] { loader.start(0, 3); }), "an epoch of images has 2 batches: can't start at 3");
}

}  // namespace
}  // namespace ocellus::data
