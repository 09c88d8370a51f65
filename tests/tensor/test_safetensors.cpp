#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cstring>
#include <random>

#include <ocellus/tensor/safetensors.h>

#include "tensor/files.h"

namespace ocellus {
namespace {

using testing::HasSubstr;
using testing_files::message_of;
using testing_files::read_text;
using testing_files::TemporaryFolder;
using testing_files::write_text;

std::string with_length(uint64_t length, std::string_view rest) {
  std::string text(8, '\0');
  for (size_t i = 0; i < 8; ++i) text[i] = static_cast<char>(length >> (8 * i) & 0xff);
  return text + std::string(rest);
}

std::string file_of(std::string_view header, size_t data_bytes) {
  return with_length(header.size(), header) + std::string(data_bytes, '\1');
}

SafetensorsFile small_model() {
  SafetensorsFile file;
  file.metadata = {{"format", "ocellus"}, {"note", "a \"quoted\" ünïcode\ntext"}};
  file.tensors = {{"conv1/kernel", Tensor::of<float>({2, 3}, {1, 2, 3, 4, 5, 6})},
                  {"flag", Tensor::of<uint8_t>({3}, {7, 8, 9})},
                  {"odd", Tensor::of<float>({2}, {-1, -2})},
                  {"empty", Tensor(DType::i64, {0, 5})},
                  {"step", Tensor::of<int64_t>({}, {int64_t{1} << 40})}};
  return file;
}

class Safetensors : public testing::Test {
 protected:
  std::string refusal(const std::string& content) {
    write_text(path_, content);
    const std::string seen = message_of<FormatError>([&] { read_safetensors(path_); });
    EXPECT_EQ(message_of<FormatError>([&] { inspect_safetensors(path_); }), seen);
    EXPECT_THAT(seen, testing::StartsWith(path_.string() + ": "));
    EXPECT_EQ(seen.find('\n'), std::string::npos);
    return seen;
  }
  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "model.safetensors";
};

TEST_F(Safetensors, ComesBackAsWritten) {
  const SafetensorsFile file = small_model();
  write_safetensors(path_, file);
  const SafetensorsFile back = read_safetensors(path_);
  EXPECT_EQ(back.metadata, file.metadata);
  ASSERT_EQ(back.tensors.size(), file.tensors.size());
  for (size_t i = 0; i < file.tensors.size(); ++i) {
    const Tensor &a = file.tensors[i].second, &b = back.tensors[i].second;
    EXPECT_EQ(back.tensors[i].first, file.tensors[i].first);
    EXPECT_EQ(a.dtype(), b.dtype());
    EXPECT_EQ(a.shape(), b.shape());
    EXPECT_EQ(std::memcmp(a.data(), b.data(), a.bytes()), 0);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(b.data()) % (b.numel() > 0 ? size_of(b.dtype()) : 1), 0u);
  }
  ASSERT_NE(back.find("odd"), nullptr);
  EXPECT_EQ(back.find("odd")->at(1), -2);
  EXPECT_EQ(back.find("even"), nullptr);
}

TEST_F(Safetensors, EveryDtypeComesBack) {
  SafetensorsFile file;
  for (const DType d :
       {DType::f32, DType::f64, DType::bf16, DType::f16, DType::i8, DType::u8, DType::i32, DType::i64, DType::boolean})
    file.tensors.emplace_back(std::string(to_string(d)), Tensor::full(d, {3}, 1));
  write_safetensors(path_, file);
  for (const auto& [name, tensor] : read_safetensors(path_).tensors) {
    EXPECT_EQ(to_string(tensor.dtype()), name);
    EXPECT_EQ(tensor.at(2), 1);
  }
}

TEST_F(Safetensors, TheHeaderIsPaddedAndListed) {
  write_safetensors(path_, small_model());
  const SafetensorsHeader header = inspect_safetensors(path_);
  EXPECT_EQ(header.header_bytes % 64, 56u);
  EXPECT_EQ(header.file_bytes, std::filesystem::file_size(path_));
  EXPECT_EQ(header.metadata.at("format"), "ocellus");
  ASSERT_EQ(header.tensors.size(), 5u);
  EXPECT_EQ(header.tensors[0].name, "conv1/kernel");
  EXPECT_EQ(header.tensors[0].dtype, "F32");
  EXPECT_EQ(header.tensors[0].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(header.tensors[0].begin, 8 + header.header_bytes);
  EXPECT_EQ(header.tensors[4].end, header.file_bytes);
}

TEST_F(Safetensors, WritingToAReadTensorLeavesTheFileAlone) {
  write_safetensors(path_, small_model());
  const std::string before = read_text(path_);
  {
    SafetensorsFile file = read_safetensors(path_);
    file.tensors[0].second.as<float>()[0] = 99;
    EXPECT_EQ(file.tensors[0].second.at(0), 99);
  }
  EXPECT_EQ(read_text(path_), before);
}

TEST_F(Safetensors, TensorsOutliveTheFileTheyCameFrom) {
  write_safetensors(path_, small_model());
  Tensor kept;
  {
    SafetensorsFile file = read_safetensors(path_);
    kept = file.tensors[0].second;
    write_safetensors(path_, {.metadata = {}, .tensors = {{"other", Tensor(DType::f32, {9})}}});
  }
  std::filesystem::remove(path_);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(kept.at(i), i + 1);
}

TEST_F(Safetensors, CutAnywhereItIsRefused) {
  SafetensorsFile file = small_model();
  file.tensors.emplace_back("tail", Tensor(DType::f32, {500}));
  write_safetensors(path_, file);
  const std::string whole = read_text(path_);
  for (size_t percent = 0; percent < 100; ++percent) {
    const std::string message = refusal(whole.substr(0, whole.size() * percent / 100));
    EXPECT_THAT(message, testing::AnyOf(HasSubstr("byte "), HasSubstr("tensor "))) << percent;
  }
  EXPECT_THAT(refusal(whole.substr(0, whole.size() - 1)), HasSubstr("tensor tail: its data run to"));
  EXPECT_THAT(refusal(whole + "x"), HasSubstr("1 bytes belong to no tensor"));
}

TEST_F(Safetensors, ImpossibleHeaderLengths) {
  EXPECT_THAT(refusal(with_length(uint64_t{1} << 60, "{}")),
              HasSubstr("byte 0: the header claims 1152921504606846976"));
  EXPECT_THAT(refusal(with_length(~uint64_t{0}, "{}")), HasSubstr("byte 0: the header claims 18446744073709551615"));
  EXPECT_THAT(refusal(with_length(3, "{}")), HasSubstr("byte 0: the header claims 3 bytes, the file has 2 left"));
  EXPECT_THAT(refusal(""), HasSubstr("byte 0: the file ends"));
  EXPECT_THAT(refusal(with_length(0, "")), HasSubstr("byte 8: the header is no valid JSON"));
}

struct BadHeader {
  const char* header;
  size_t data_bytes;
  const char* message;
};

TEST_F(Safetensors, HeadersThatLieAreRefused) {
  const BadHeader cases[] = {
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
       12, "tensor b: its data overlap another tensor's at 4"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       4, "its data overlap"},
      {R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})", 8, "tensor a: its data run to 16, past the end"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8, "tensor a: a hole lies before its data"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 8, "4 bytes belong to no tensor"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4, "tensor a: its data end at 0 before they begin"},
      {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8, "tensor a: F32[3] takes 12 bytes"},
      {R"({"a":{"dtype":"F64","shape":[2],"data_offsets":[0,8]}})", 8, "tensor a: F64[2] takes 16 bytes"},
      {R"({"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})", 8, "tensor a: unknown dtype \"F31\""},
      {R"({"a":{"dtype":7,"shape":[2],"data_offsets":[0,8]}})", 8, "tensor a: a number stands where none belongs"},
      {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8, "tensor a: a number is negative"},
      {R"({"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}})", 8, "tensor a: a number is not whole"},
      {R"({"a":{"dtype":"F32","shape":[1e300],"data_offsets":[0,8]}})", 8, "tensor a: a number is not whole"},
      {R"({"a":{"dtype":"F32","shape":[4611686018427387904,16],"data_offsets":[0,8]}})", 8, "its shape is too large"},
      {R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}})", 8, "more than 8 dimensions"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", 8, "\"data_offsets\" needs two numbers"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}})", 8, "more than two numbers"},
      {R"({"a":{"dtype":"F32","data_offsets":[0,8]}})", 8, "tensor a: \"shape\" is missing"},
      {R"({"a":{"shape":[2],"data_offsets":[0,8]}})", 8, "tensor a: \"dtype\" is missing"},
      {R"({"a":{"dtype":"F32","shape":[2]}})", 8, "tensor a: \"data_offsets\" is missing"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})", 8, "tensor a: unknown key \"x\""},
      {R"({"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8,
       "the key \"dtype\" is given twice"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       8, "tensor a: the name is given twice"},
      {R"({"a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}})", 8, "tensor a: a list stands where none belongs"},
      {R"({"a":{"dtype":{},"shape":[2],"data_offsets":[0,8]}})", 8, "tensor a: an object stands where none belongs"},
      {R"({"a":3})", 0, "tensor a: a number stands where none belongs"},
      {R"({"a":null})", 0, "tensor a: null is no value"},
      {R"({"__metadata__":{"k":1}})", 0, "__metadata__: a number stands"},
      {R"({"__metadata__":{"k":{"deep":"x"}}})", 0, "__metadata__: an object stands"},
      {R"([1,2])", 0, "byte 8: the header is no JSON object"},
      {R"("text")", 0, "byte 8: the header is no JSON object"},
      {R"({"a")", 0, "the header is no valid JSON"},
      {R"({} {})", 0, "the header is no valid JSON"},
      {"{\"a\xff\":1}", 0, "the header is no valid JSON"},
      {"\x7f"
       "ELF garbage",
       0, "byte 8: the header is no valid JSON"}};
  for (const BadHeader& bad : cases)
    EXPECT_THAT(refusal(file_of(bad.header, bad.data_bytes)), HasSubstr(bad.message)) << bad.header;
  EXPECT_THAT(refusal(file_of(std::string(1'000'000, '['), 0)), HasSubstr("a list stands"));
  EXPECT_THAT(refusal(file_of(R"({"b":{"dtype":"BOOL","shape":[0],"data_offsets":[0,0]}})", 1)),
              HasSubstr("no tensor"));
}

TEST_F(Safetensors, ABoolMustBeZeroOrOne) {
  write_text(path_, file_of(R"({"b":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})", 1) + "\2");
  EXPECT_THAT(message_of<FormatError>([&] { read_safetensors(path_); }), HasSubstr("a bool is neither 0 nor 1"));
}

TEST_F(Safetensors, AKnownTypeWithoutADtypeIsListedButNotRead) {
  write_text(path_, file_of(R"({"a":{"dtype":"U32","shape":[2],"data_offsets":[0,8]}})", 8));
  EXPECT_EQ(inspect_safetensors(path_).tensors.at(0).dtype, "U32");
  EXPECT_THAT(message_of<Unsupported>([&] { read_safetensors(path_); }), HasSubstr("tensor a: elements of type U32"));
}

TEST_F(Safetensors, TensorsMayStandInAnyOrder) {
  write_text(path_, file_of(R"({"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]},
                               "a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}   )",
                            6));
  EXPECT_EQ(read_safetensors(path_).tensors.at(0).first, "b");
}

TEST_F(Safetensors, WhatCannotBeWrittenIsRefusedBeforeTheFileIsTouched) {
  write_safetensors(path_, small_model());
  const std::string before = read_text(path_);
  const Tensor t(DType::f32, {1});
  const auto refuse = [&](SafetensorsFile file) {
    const std::string message = message_of<UsageError>([&] { write_safetensors(path_, file); });
    EXPECT_EQ(read_text(path_), before);
    EXPECT_EQ(folder_.files(), 1u);
    return message;
  };
  EXPECT_THAT(refuse({.metadata = {}, .tensors = {{"a", t}, {"a", t}}}), HasSubstr("two tensors are named a"));
  EXPECT_THAT(refuse({.metadata = {}, .tensors = {{"a", Tensor()}}}), HasSubstr("tensor a is empty"));
  EXPECT_THAT(refuse({.metadata = {}, .tensors = {{"__metadata__", t}}}), HasSubstr("can be named __metadata__"));
  EXPECT_THAT(refuse({.metadata = {}, .tensors = {{"\xff", t}}}), HasSubstr("not UTF-8"));
  EXPECT_THAT(refuse({.metadata = {{"k", "\xff"}}, .tensors = {}}), HasSubstr("not UTF-8"));
}

// The file size limit makes write fail in the middle, as a full disk does.
TEST_F(Safetensors, AFullDiskLeavesTheOldFileAndNothingElse) {
  write_safetensors(path_, small_model());
  const std::string before = read_text(path_);
  SafetensorsFile large = small_model();
  large.tensors.emplace_back("large", Tensor(DType::f32, {1 << 20}));

  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  const rlimit tiny{64 << 10, old.rlim_max};
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tiny), 0);
  std::string message;
  try {
    write_safetensors(path_, large);
  } catch (const IoError& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &old);
  signal(SIGXFSZ, handler);

  EXPECT_THAT(message, HasSubstr(path_.string() + ": can't be written: File too large"));
  EXPECT_EQ(read_text(path_), before);
  EXPECT_EQ(folder_.files(), 1u);
  write_safetensors(path_, large);
  EXPECT_EQ(read_safetensors(path_).tensors.size(), 6u);
}

// A child saves in a loop, each time one value throughout; whenever it is killed, the file must load and hold one
// value.
TEST_F(Safetensors, KilledWhileSavingTheFileIsWhole) {
  const auto save = [&](float value) {
    write_safetensors(path_, {.metadata = {{"value", std::to_string(static_cast<int>(value))}},
                              .tensors = {{"a", Tensor::full(DType::f32, {50'000}, value)},
                                          {"b", Tensor::full(DType::f32, {50'000}, value)}}});
  };
  save(0);
  std::mt19937 random(1);
  int advanced = 0;
  for (int round = 0; round < 25; ++round) {
    const float first = static_cast<float>(round * 1000 + 1);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (float value = first;; ++value) save(value);
    }
    usleep(static_cast<useconds_t>(2'000 + random() % 20'000));
    ASSERT_EQ(kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));

    const SafetensorsFile file = read_safetensors(path_);
    const double value = std::stod(file.metadata.at("value"));
    advanced += value >= first;
    for (const auto& [name, tensor] : file.tensors)
      for (const float v : tensor.as<float>()) ASSERT_EQ(v, value);
  }
  EXPECT_GT(advanced, 0);
}

}  // namespace
}  // namespace ocellus
