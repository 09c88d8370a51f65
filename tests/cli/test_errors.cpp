// Everything that can be wrong, as a user meets it: one clear line, the documented exit code, nothing lost.
#include <ocellus/model/model.h>
#include <ocellus/tensor/npy.h>
#include <ocellus/zoo/zoo.h>

#include "support.h"

namespace ocellus {
namespace {

using namespace testing_cli;
namespace fs = std::filesystem;

class CliErrors : public testing::Test {
 protected:
  std::string path(std::string_view name) const { return (folder_ / name).string(); }

  /// An untrained lenet5, saved.
  std::string model() const {
    const std::string file = path("model.safetensors");
    if (!fs::exists(file)) zoo::create("lenet5").save(file);
    return file;
  }

  /// A folder of IDX data with one of its files replaced.
  std::string data_with(const std::string& file, const std::string& bytes) const {
    write_corners(folder_ / "data", 20, 20);
    write_text(folder_ / "data" / file, bytes);
    return path("data");
  }

  TemporaryFolder folder_;
};

TEST_F(CliErrors, wrong_usage_is_2) {
  expect_failure(run(folder_, {"train", "lenett5", "--data", "nowhere"}), 2, {"lenett5", "did you mean \"lenet5\"?"});
  expect_failure(run(folder_, {"summary", "resnet21"}), 2, {"did you mean \"resnet20\"?"});
  expect_failure(run(folder_, {"train", "lenet5", "--dat", "x"}), 2, {"train doesn't know \"--dat\"", "--help"});
  expect_failure(run(folder_, {"frobnicate"}), 2, {"no verb \"frobnicate\""});
  expect_failure(run(folder_, {}), 2, {"--help"});
  expect_failure(run(folder_, {"summary"}), 2, {"MODEL is required"});
  expect_failure(run(folder_, {"train", "lenet5", "--data", "builtin:digits", "--epochs", "many"}), 2,
                 {"--epochs", "many"});
  expect_failure(run(folder_, {"bench", "lenet5", "--train", "--memory-limit", "2T"}), 2, {"--memory-limit", "2T"});
  expect_failure(run(folder_, {"bench", "lenet5", "--memory-limit", "2G"}), 2, {"--memory-limit is for --train"});
  expect_failure(run(folder_, {"bench", "lenet5", "--train", "--memory-limit", "100"}), 2, {"100 bytes", "at least"});
  expect_failure(run(folder_, {"bench", "lenet5", "--chart", "x.png"}), 2, {"--chart is for --compare"});
  expect_failure(run(folder_, {"bench", "lenet5", "--compare", "--batch", "2"}), 2, {"--compare", "--threads"});
  expect_failure(run(folder_, {"train", "lenet5", "--data", "builtin:letters"}), 2,
                 {"builtin:letters", "builtin:digits"});
  expect_failure(run(folder_, {"predict", model(), "--input", "x.npy"}), 2, {"--output"});
  expect_failure(run(folder_, {"bench", "lenet5", "--backend", "abacus"}), 2, {"abacus", "onednn"});
  expect_failure(run(folder_, {"bench", "lenet5", "--dtype", "f8"}), 2, {"f8", "bfloat16"});
}

TEST_F(CliErrors, a_file_that_is_not_there_is_4) {
  expect_failure(run(folder_, {"eval", "no.safetensors", "--data", "builtin:digits"}), 4, {"no.safetensors"});
  expect_failure(run(folder_, {"inspect", "no.safetensors"}), 4, {"no.safetensors"});
  expect_failure(run(folder_, {"summary", "some/no.safetensors"}), 4, {"some/no.safetensors"});
  expect_failure(run(folder_, {"predict", model(), "no.png"}), 4, {"no.png"});
  expect_failure(run(folder_, {"train", "lenet5", "--data", "nowhere"}), 4, {"nowhere"});
}

TEST_F(CliErrors, data_that_are_damaged_are_3) {
  const auto expect = [&](const std::string& data, const std::vector<std::string>& texts) {
    expect_failure(run(folder_, {"train", "lenet5", "--data", data, "--out", "out"}), 3, texts);
    EXPECT_FALSE(fs::exists(folder_ / "out"));
  };
  const std::string images = "train-images-idx3-ubyte", labels = "train-labels-idx1-ubyte";
  expect(data_with(images, idx_bytes({20, 28, 28}, std::string(999, 'x'))), {images, "byte"});
  expect(data_with(images, "GIF89a, not IDX at all"), {images, "magic number 0x47494638"});
  expect(data_with(labels, idx_bytes({19}, std::string(19, '\1'))), {"19", "20"});
  fs::create_directories(folder_ / "empty");
  expect(path("empty"), {"empty", "no train data found"});
  fs::create_directories(folder_ / "elsewhere/first");
  Model compiled = zoo::create("lenet5");
  compiled.compile({.loss = loss::softmax_cross_entropy()});
  compiled.save(path("compiled.safetensors"));
  for (const char* verb : {"train", "eval"})
    expect_failure(run(folder_, {verb, "compiled.safetensors", "--data", "elsewhere"}), 3,
                   {": elsewhere: no train data found; understood are IDX pairs", "CIFAR", "class folders of images"});
}

TEST_F(CliErrors, images_that_are_none_are_3) {
  const auto expect = [&](const std::string& file, const std::string& bytes, const std::vector<std::string>& texts) {
    write_text(folder_ / file, bytes);
    expect_failure(run(folder_, {"predict", model(), file}), 3, texts);
  };
  expect("letter.jpg", "Dear Sir or Madam,\n", {"letter.jpg", "not an image"});
  expect("nothing.png", "", {"nothing.png"});
  expect("zero.png", png_of(0, 0), {"zero.png", "0x0"});
  expect("huge.png", png_of(50000, 50000), {"huge.png", "50000x50000"});
  fs::create_directories(folder_ / "animals/cat");
  write_text(folder_ / "animals/cat/letter.jpg", "Dear Sir or Madam,\n");
  expect_failure(run(folder_, {"train", "resnet20", "--data", "animals", "--validation", "none", "--out", "out"}), 3,
                 {"cat/letter.jpg"});
}

TEST_F(CliErrors, arrays_that_do_not_fit_are_5) {
  write_npy(folder_ / "x.npy", Tensor(DType::f32, {1, 3, 28, 28}));
  expect_failure(run(folder_, {"predict", model(), "--input", "x.npy", "--output", "y.npy"}), 5,
                 {"[1,3,28,28]", "[N,1,28,28]"});
  write_npy(folder_ / "x.npy", Tensor(DType::i32, {1, 1, 28, 28}));
  expect_failure(run(folder_, {"predict", model(), "--input", "x.npy", "--output", "y.npy"}), 5, {"i32", "f32"});
  EXPECT_FALSE(fs::exists(folder_ / "y.npy"));
  write_npy(folder_ / "x.npy", Tensor(DType::f32, {1, 1, 28, 28}));
  expect_failure(run(folder_, {"predict", model(), "--input", "x.npy", "--output", "convd=y.npy"}), 2, {"conv2d"});
}

TEST_F(CliErrors, model_files_cut_short_are_3) {
  const std::string whole = read_text(model());
  for (const int percent : {0, 1, 2, 10, 50, 90, 99}) {
    SCOPED_TRACE(percent);
    write_text(folder_ / "cut.safetensors", whole.substr(0, whole.size() * static_cast<size_t>(percent) / 100));
    expect_failure(run(folder_, {"inspect", "cut.safetensors"}), 3, {"cut.safetensors"});
  }
  write_text(folder_ / "cut.safetensors", whole.substr(0, whole.size() - 1));
  expect_failure(run(folder_, {"eval", "cut.safetensors", "--data", "builtin:digits"}), 3, {"cut.safetensors"});
  expect_failure(run(folder_, {"train", "cut.safetensors", "--data", "builtin:digits"}), 3, {"cut.safetensors"});
}

TEST_F(CliErrors, model_files_that_lie_are_3) {
  const auto expect = [&](const std::string& bytes, const std::vector<std::string>& texts) {
    write_text(folder_ / "bad.safetensors", bytes);
    expect_failure(run(folder_, {"inspect", "bad.safetensors"}), 3, texts);
    expect_failure(run(folder_, {"summary", "bad.safetensors"}), 3, {"bad.safetensors"});
  };
  expect(std::string("\0\0\0\0\0\0\0\x10{}", 10), {"byte 0", "1152921504606846976"});
  const std::string a = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  expect(
      safetensors_bytes("{" + a + R"(,"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", std::string(12, 'x')),
      {"tensor b", "overlap"});
  expect(
      safetensors_bytes("{" + a + R"(,"b":{"dtype":"F32","shape":[9],"data_offsets":[8,44]}})", std::string(16, 'x')),
      {"tensor b"});
  expect(safetensors_bytes(R"({"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}})", std::string(8, 'x')), {"F33"});
  std::string other = read_text(model());
  const std::string field = R"("conv2d/bias":{"dtype":"F32")";
  const size_t at = other.find(field);
  ASSERT_NE(at, std::string::npos);
  expect(other.replace(at, field.size(), R"("conv2d/bias":{"dtype":"I32")"), {"conv2d/bias", "i32", "f32"});
}

TEST_F(CliErrors, a_loss_that_only_the_writer_has_is_2_but_the_model_can_be_looked_at) {
  Model model = zoo::create("lenet5");
  const HostLossConfig hinge = {.name = "hinge", .fn = [](const Tensor&, std::span<const Tensor>, Tensor&) {
                                  return std::vector<LossPart>{{"loss", 1}};
                                }};
  model.compile({.loss = loss::custom({.loss = hinge})});
  model.save(path("own.safetensors"));
  expect_failure(run(folder_, {"eval", "own.safetensors", "--data", "builtin:digits"}), 2,
                 {"own.safetensors: the loss \"hinge\" is a function of the program that saved the model"});
  expect_failure(run(folder_, {"train", "own.safetensors", "--data", "builtin:digits"}), 2,
                 {"own.safetensors: the loss \"hinge\" is a function", "go on training it"});
  EXPECT_EQ(run(folder_, {"inspect", "own.safetensors"}).code, 0);
  EXPECT_EQ(run(folder_, {"summary", "own.safetensors"}).code, 0);
}

TEST_F(CliErrors, a_disk_that_is_full_is_4_and_keeps_the_old_files) {
  write_corners(folder_ / "data", 80, 40);
  const std::string train = "\"$OCELLUS\" train lenet5 --data data --epochs 1 --out run";
  ASSERT_EQ(run_shell(folder_, train).code, 0);
  const std::string best = read_text(folder_ / "run/best.safetensors"),
                    last = read_text(folder_ / "run/last.safetensors");
  // Files may grow to 64 KiB: text fits, a model doesn't.
  expect_failure(run_shell(folder_, "ulimit -f 64; " + train + " --seed 1"), 4, {"run/best.safetensors"});
  EXPECT_EQ(read_text(folder_ / "run/best.safetensors"), best);
  EXPECT_EQ(read_text(folder_ / "run/last.safetensors"), last);
  for (const auto& entry : fs::directory_iterator(folder_ / "run"))
    EXPECT_THAT(entry.path().filename().string(), testing::Not(testing::HasSubstr("tmp"))) << "left behind";
  write_text(folder_ / "file", "");
  expect_failure(run_shell(folder_, "\"$OCELLUS\" train lenet5 --data data --out file/run"), 4, {"file/run"});
}

}  // namespace
}  // namespace ocellus
