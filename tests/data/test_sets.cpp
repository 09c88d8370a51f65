#include <gtest/gtest.h>
#include <zlib.h>

#include <cstring>
#include <numeric>
#include <set>

#include <ocellus/base/threads.h>
#include <ocellus/data/image.h>
#include <ocellus/data/open.h>
#include <ocellus/data/sets/cifar.h>
#include <ocellus/data/sets/digits.h>
#include <ocellus/data/sets/idx.h>
#include <ocellus/data/sets/image_folder.h>

#include "data/support.h"

namespace ocellus::data {
namespace {

namespace fs = std::filesystem;

std::string word(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

std::string idx_images(uint32_t count, uint32_t height, uint32_t width) {
  std::string file = word(0x803) + word(count) + word(height) + word(width);
  for (uint32_t i = 0; i < count * height * width; ++i) file += static_cast<char>(i);
  return file;
}

std::string idx_labels(uint32_t count) {
  std::string file = word(0x801) + word(count);
  for (uint32_t i = 0; i < count; ++i) file += static_cast<char>(i % 10);
  return file;
}

std::string gzip(const std::string& content) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, content.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

int64_t sum_of_first(const InMemory& set) {
  Rng rng;
  const Sample sample = set.get(0, rng);
  int64_t sum = 0;
  for (const uint8_t value : std::as_const(sample.input).as<uint8_t>()) sum += value;
  return sum;
}

TEST(Idx, RealMnistHasItsCountsLabelsAndPixels) {
  const auto folder = shared_data("mnist");
  if (!fs::exists(folder)) GTEST_SKIP() << "no " << folder;
  const InMemory train = mnist(folder, Split::train), test = mnist(folder, Split::test);
  EXPECT_EQ(train.size(), 60000);
  EXPECT_EQ(test.size(), 10000);
  EXPECT_EQ(train.input_shape(), (Shape{1, 28, 28}));
  EXPECT_EQ(train.class_names().size(), 10u);
  EXPECT_EQ(train.name(), "mnist (train)");
  const std::vector<int> first_train = {5, 0, 4, 1, 9, 2, 1, 3, 1, 4}, first_test = {7, 2, 1, 0, 4, 1, 4, 9, 5, 9};
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(train.targets().at(static_cast<int64_t>(i)), first_train[i]);
    EXPECT_EQ(test.targets().at(static_cast<int64_t>(i)), first_test[i]);
  }
  EXPECT_EQ(sum_of_first(train), 27525);
  EXPECT_EQ(sum_of_first(test), 18454);
}

TEST(Idx, PlainAndGzipGiveTheSame) {
  const Scratch scratch;
  scratch.write("plain/train-images-idx3-ubyte", idx_images(20, 3, 4));
  scratch.write("plain/train-labels-idx1-ubyte", idx_labels(20));
  scratch.write("gz/train-images-idx3-ubyte.gz", gzip(idx_images(20, 3, 4)));
  scratch.write("gz/train-labels.idx1-ubyte.gz", gzip(idx_labels(20)));
  const InMemory a = mnist(scratch / "plain", Split::train), b = mnist(scratch / "gz", Split::train);
  EXPECT_EQ(a.inputs().shape(), (Shape{20, 1, 3, 4}));
  ASSERT_EQ(a.inputs().bytes(), b.inputs().bytes());
  EXPECT_EQ(std::memcmp(a.inputs().data(), b.inputs().data(), a.inputs().bytes()), 0);
  EXPECT_EQ(a.inputs().at(239), 239);
  EXPECT_EQ(b.targets().at(13), 3);
}

TEST(BadIdx, WrongMagic) {
  const Scratch scratch;
  const auto path = scratch.write("x-idx3", word(0xdeadbeef) + std::string(100, 'x'));
  EXPECT_EQ(message_of<FormatError>([&] { read_idx(path); }),
            path.string() + ": byte 0: magic number 0xdeadbeef is not that of IDX bytes (0x00000801 to 0x00000804)");
}

TEST(BadIdx, TruncatedAnywhere) {
  const Scratch scratch;
  for (const std::string& whole : {idx_images(20, 3, 4), gzip(idx_images(20, 3, 4))})
    for (size_t percent = 0; percent < 100; ++percent) {
      const auto path = scratch.write("part", whole.substr(0, whole.size() * percent / 100));
      EXPECT_THROW(read_idx(path), FormatError) << percent;
    }
  const auto path = scratch.write("part", idx_images(20, 3, 4).substr(0, 100));
  EXPECT_EQ(message_of<FormatError>([&] { read_idx(path); }),
            path.string() + ": byte 12: the header claims 240 values or more, the file can't hold them");
}

TEST(BadIdx, HeaderLargerThanTheFileTakesNoMemory) {
  const Scratch scratch;
  const auto path = scratch.write("huge", word(0x803) + word(0xffffffff) + word(0xffffffff) + word(0xffffffff));
  EXPECT_EQ(message_of<FormatError>([&] { read_idx(path); }),
            path.string() + ": byte 4: the header claims 4294967295 values or more, the file can't hold them");
  const auto packed = scratch.write("huge.gz", gzip(word(0x803) + word(60000) + word(28) + word(28) + "abc"));
  EXPECT_EQ(message_of<FormatError>([&] { read_idx(packed); }),
            packed.string() + ": byte 4: the header claims 60000 values or more, the file can't hold them");
}

TEST(BadIdx, SurplusData) {
  const Scratch scratch;
  for (const bool packed : {false, true}) {
    const std::string content = idx_labels(5) + "x";
    const auto path = scratch.write("more", packed ? gzip(content) : content);
    EXPECT_EQ(message_of<FormatError>([&] { read_idx(path); }),
              path.string() + ": byte 13: there is more data than the [5] values of the header");
  }
}

TEST(BadIdx, DamagedGzip) {
  const Scratch scratch;
  std::string packed = gzip(idx_images(50, 5, 5));
  packed[packed.size() - 6] ^= 1;  // in the check sum
  const auto path = scratch.write("bad.gz", packed);
  EXPECT_NE(message_of<FormatError>([&] { read_idx(path); }).find("the gzip stream is damaged"), std::string::npos);
}

TEST(BadIdx, LabelsThatDoNotMatch) {
  const Scratch scratch;
  const IdxFiles files{scratch.write("images", idx_images(20, 3, 4)), scratch.write("labels", idx_labels(19))};
  EXPECT_EQ(message_of<FormatError>([&] { idx(files); }),
            files.labels.string() + ": 19 labels do not match the 20 images of " + files.images.string());
  const IdxFiles swapped{files.labels, files.images};
  EXPECT_EQ(message_of<FormatError>([&] { idx(swapped); }),
            files.labels.string() + ": byte 0: [19] are not images [N,H,W]");
}

TEST(Idx, MissingFilesAreNamed) {
  const Scratch scratch;
  EXPECT_EQ(
      message_of<IoError>([&] { mnist(scratch.path(), Split::test); }),
      scratch.path().string() + ": holds no IDX files t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, plain or .gz");
  EXPECT_EQ(message_of<IoError>([] { mnist("/nowhere", Split::test); }), "/nowhere: does not exist");
}

std::string cifar_record(char label, bool hundred = false) {
  std::string record = hundred ? std::string({7, label}) : std::string({label});
  for (int i = 0; i < 3072; ++i) record += static_cast<char>(i / 1024 * 50 + label);
  return record;
}

TEST(Cifar, RealLosslessPieces) {
  const auto folder = shared_data("cifar10");
  if (!fs::exists(folder)) GTEST_SKIP() << "no " << folder;
  const AnyDataset train = open_dataset(folder.string(), Split::train),
                   test = open_dataset(folder.string(), Split::test);
  EXPECT_EQ(train.size(), 2000);
  EXPECT_EQ(test.size(), 500);
  EXPECT_EQ(train.input_shape(), (Shape{3, 32, 32}));
  EXPECT_EQ(train.class_names()[6], "frog");
  Rng rng;
  const std::vector<int> first = {6, 9, 9, 4, 1, 1, 2, 7, 8, 3};  // of the canonical data_batch_1.bin
  for (size_t i = 0; i < 10; ++i) EXPECT_EQ(train.get(static_cast<int64_t>(i), rng).target.at(0), first[i]);
  EXPECT_EQ(train.get(0, rng).input.at(0), 59);
}

TEST(Cifar, BatchesComeInOrderPlainOrPacked) {
  const Scratch scratch;
  scratch.write("data_batch_1.bin", cifar_record(1) + cifar_record(2));
  scratch.write("data_batch_2.bin.gz", gzip(cifar_record(3)));
  scratch.write("test_batch.bin", cifar_record(9));
  const InMemory train = cifar10(scratch.path(), Split::train);
  ASSERT_EQ(train.size(), 3);
  EXPECT_EQ(train.targets().at(2), 3);
  EXPECT_EQ(train.inputs().at(3072 + 2048), 102);
  EXPECT_EQ(cifar10(scratch.path(), Split::test).targets().at(0), 9);
  EXPECT_EQ(train.class_names()[0], "airplane");
}

TEST(Cifar, HundredClassesTakeTheFineLabel) {
  const Scratch scratch;
  scratch.write("train.bin", cifar_record(42, true));
  scratch.write("coarse_label_names.txt", "aquatic mammals\n");
  const AnyDataset train = open_dataset(scratch.path().string(), Split::train);
  Rng rng;
  EXPECT_EQ(train.get(0, rng).target.at(0), 42);
  EXPECT_EQ(train.get(0, rng).input.at(1024), 92);
  EXPECT_EQ(train.class_names().size(), 100u);
}

TEST(BadCifar, TruncatedAndWrongLabels) {
  const Scratch scratch;
  const auto part = scratch.write("data_batch_1.bin", (cifar_record(1) + cifar_record(2)).substr(0, 5000));
  EXPECT_EQ(message_of<FormatError>([&] { cifar10(scratch.path(), Split::train); }),
            part.string() +
                ": 5000 bytes are no whole number of records of 3073 bytes: "
                "the file is truncated or not CIFAR's");
  scratch.write("data_batch_1.bin", cifar_record(1) + cifar_record(10));
  EXPECT_EQ(message_of<FormatError>([&] { cifar10(scratch.path(), Split::train); }),
            part.string() + ": byte 3073: label 10 is not below 10");
}

TEST(ImageFolder, ClassesAreSortedAndPartsAreFound) {
  const Scratch scratch;
  for (const char* name :
       {"train/dog/b.png", "train/dog/a.png", "train/cat/deep/c.PNG", "val/cat/d.png", "val/dog/e.png"})
    save_image(scratch.write(name, ""), Image(5, 4, 1, 9));
  scratch.write("train/dog/notes.txt", "not an image, and not asked for");
  const ImageFolder train(scratch.path(), Split::train);
  EXPECT_EQ(train.class_names(), (std::vector<std::string>{"cat", "dog"}));
  ASSERT_EQ(train.size(), 3);
  EXPECT_EQ(train.path(1), scratch / "train/dog/a.png");
  Rng rng;
  const Sample sample = train.get(2, rng);
  EXPECT_EQ(sample.target.at(0), 1);
  EXPECT_EQ(sample.input.shape(), (Shape{3, 4, 5}));
  EXPECT_EQ(train.name(), scratch.path().filename().string() + " (train)");
  EXPECT_EQ(ImageFolder(scratch.path(), Split::validation).size(), 2);
  EXPECT_TRUE(has_split(scratch.path().string(), Split::validation));
  EXPECT_FALSE(has_split(scratch.path().string(), Split::test));
  EXPECT_EQ(ImageFolder(scratch / "val").size(), 2);
}

TEST(ImageFolder, GreyOnRequest) {
  const Scratch scratch;
  save_image(scratch.write("a/x.png", ""), Image(5, 4, 3, 9));
  Rng rng;
  EXPECT_EQ(ImageFolder(scratch.path(), {.decode = {.channels = 1}}).get(0, rng).input.shape(), (Shape{1, 4, 5}));
}

TEST(BadImageFolder, EmptyFolders) {
  const Scratch scratch;
  EXPECT_EQ(message_of<FormatError>([&] { ImageFolder folder(scratch.path()); }),
            scratch.path().string() + ": the folder holds no class folders: expected <class>/<image>.jpg or .png");
  fs::create_directories(scratch / "cat");
  EXPECT_EQ(message_of<FormatError>([&] { ImageFolder folder(scratch.path()); }),
            (scratch / "cat").string() + ": the class folder holds no images");
  EXPECT_EQ(message_of<IoError>([&] { ImageFolder folder(scratch.path(), Split::test); }),
            scratch.path().string() + ": holds no folder 'test' of class folders");
}

TEST(ImageFolder, RealAntsAndBees) {
  const auto folder = shared_data("hymenoptera");
  if (!fs::exists(folder)) GTEST_SKIP() << "no " << folder;
  EXPECT_EQ(open_dataset(folder.string(), Split::train).size(), 244);
  const AnyDataset set = open_dataset(folder.string(), Split::validation);
  EXPECT_EQ(set.size(), 114);
  EXPECT_EQ(set.class_names(), (std::vector<std::string>{"ants", "bees"}));
  Rng rng;
  for (int64_t i = 0; i < 20; ++i) EXPECT_EQ(set.get(i, rng).input.shape()[0], 3);
}

TEST(Open, SaysWhatItLookedFor) {
  const Scratch scratch;
  const std::string path = scratch.path().string();
  const std::string nothing =
      path +
      ": no train data found; understood are IDX pairs (train-images-idx3-ubyte and train-labels-idx1-ubyte, t10k-... for "
      "test, plain or .gz), CIFAR binaries (data_batch_1.bin and test_batch.bin, or train.bin and test.bin), images "
      "with boxes (images/ and labels/) and class folders of images (<class>/*.jpg, also below train, val, test)";
  EXPECT_EQ(message_of<FormatError>([&] { open_dataset(path, Split::train); }), nothing);
  // Folders of other things are no class folders, and the first of them is not to blame.
  fs::create_directories(scratch.path() / "build" / "objects");
  fs::create_directories(scratch.path() / "src");
  scratch.write("src/main.cpp", "int main() {}");
  scratch.write("logo.png", "an image, but of no class");
  scratch.write("train-images-idx3-ubyte", "images without labels");
  EXPECT_EQ(message_of<FormatError>([&] { open_dataset(path, Split::train); }), nothing);
  // With images in one of them, the one without is.
  scratch.write("src/deep/cat.png", "a cat");
  EXPECT_EQ(message_of<FormatError>([&] { open_dataset(path, Split::train); }),
            path + "/build: the class folder holds no images");
  EXPECT_EQ(message_of<IoError>([] { open_dataset("/nowhere", Split::train); }), "/nowhere: does not exist");
  EXPECT_EQ(message_of<UsageError>([] { open_dataset("builtin:letters", Split::train); }),
            "there is no 'builtin:letters': try builtin:digits");
  EXPECT_EQ(message_of<UsageError>([] { open_dataset("builtin:digits", Split::validation); }),
            "builtin:digits has no validation part: train and test");
  EXPECT_EQ(message_of<IoError>([&] { open_dataset(scratch.write("file", "x").string(), Split::train); }),
            path + "/file: is a file, not a folder");
}

TEST(Open, IdxAreFoundByOtherNamesToo) {
  const Scratch scratch;
  scratch.write("emnist-letters-test-images-idx3-ubyte", idx_images(3, 2, 2));
  scratch.write("emnist-letters-test-labels-idx1-ubyte", idx_labels(3));
  EXPECT_TRUE(has_split(scratch.path().string(), Split::test));
  EXPECT_FALSE(has_split(scratch.path().string(), Split::train));
  EXPECT_EQ(open_dataset(scratch.path().string(), Split::test).size(), 3);
}

TEST(Digits, DependOnSeedSplitAndNumberAlone) {
  const int threads = num_threads();
  const InMemory a = digits({.count = 200});
  set_num_threads(threads == 1 ? 2 : 1);
  const InMemory b = digits({.count = 300});
  set_num_threads(threads);
  EXPECT_EQ(std::memcmp(a.inputs().data(), b.inputs().data(), a.inputs().bytes()), 0);
  const InMemory other = digits({.count = 200, .seed = 1}), test = digits({.split = Split::test, .count = 200});
  EXPECT_NE(std::memcmp(a.inputs().data(), other.inputs().data(), a.inputs().bytes()), 0);
  EXPECT_NE(std::memcmp(a.inputs().data(), test.inputs().data(), a.inputs().bytes()), 0);
  EXPECT_EQ(a.input_shape(), (Shape{1, 28, 28}));
  EXPECT_EQ(a.targets().at(137), 7);
  EXPECT_EQ(test.name(), "digits (test)");
}

TEST(Digits, EveryDigitIsWholeAndInside) {
  const InMemory set = digits({.count = 1000});
  const auto pixels = set.inputs().as<uint8_t>();
  int64_t all_edges = 0;
  for (size_t i = 0; i < 1000; ++i) {
    int64_t ink = 0, edge = 0;
    for (size_t p = 0; p < 784; ++p) {
      const bool on_edge = p < 28 || p >= 756 || p % 28 == 0 || p % 28 == 27;
      const int bright = pixels[i * 784 + p] > 96 ? 1 : 0;
      ink += bright;
      edge += on_edge ? bright : 0;
    }
    EXPECT_GT(ink, 15) << i;
    EXPECT_LT(ink, 350) << i;
    EXPECT_LE(edge, 10) << i;
    all_edges += edge;
  }
  EXPECT_LT(all_edges, 200) << "digits stick out";
}

TEST(Digits, APageKnowsWhatIsWhere) {
  const Page page = render_page({.rows = 3, .columns = 5, .gap = 2});
  EXPECT_EQ(page.image.width, 5 * 32);
  EXPECT_EQ(page.image.height, 3 * 32);
  ASSERT_EQ(page.cells.size(), 15u);
  ASSERT_EQ(page.labels.size(), 15u);
  std::set<std::vector<uint8_t>> different;
  int64_t ink = 0, inside = 0;
  for (const uint8_t value : page.image.pixels) ink += value;
  for (const Rect& cell : page.cells) {
    const Image digit = crop(page.image, cell);
    EXPECT_EQ(digit.width, 28);
    different.insert(digit.pixels);
    for (const uint8_t value : digit.pixels) inside += value;
  }
  EXPECT_EQ(different.size(), 15u);
  EXPECT_EQ(ink, inside) << "there is ink between the cells";
  EXPECT_EQ(render_page({.rows = 3, .columns = 5, .gap = 2}).image, page.image);
  EXPECT_THROW(render_page({.rows = 0}), UsageError);
}

}  // namespace
}  // namespace ocellus::data
