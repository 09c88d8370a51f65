#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include <ocellus/tensor/npy.h>

#include "tensor/files.h"

namespace ocellus {
namespace {

using testing::HasSubstr;
using testing_files::message_of;
using testing_files::read_text;
using testing_files::TemporaryFolder;
using testing_files::write_text;

std::string npy(std::string_view header, std::string_view data, char version = 1) {
  std::string text("\x93NUMPY", 6);
  text += {version, '\0', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  if (version == 2) text += std::string(2, '\0');
  return text + std::string(header) + std::string(data);
}

std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

struct BadHeader {
  const char* header;
  const char* message;
};

class Npy : public testing::Test {
 protected:
  Tensor read(const std::string& content) {
    write_text(path_, content);
    return read_npy(path_);
  }
  std::string refusal(const std::string& content) {
    return message_of<FormatError>([&] { read(content); });
  }
  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "x.npy";
};

TEST_F(Npy, EveryTypeAndRankComesBack) {
  for (const DType dtype : {DType::f32, DType::f64, DType::f16, DType::i32, DType::i64, DType::u8, DType::i8}) {
    for (const Shape& shape : {Shape{}, Shape{5}, Shape{2, 3}, Shape{0, 4}, Shape{2, 1, 3, 2}}) {
      Tensor t(dtype, shape);
      for (int64_t i = 0; i < t.numel(); ++i) std::memset(static_cast<char*>(t.data()) + i, static_cast<int>(i), 1);
      write_npy(path_, t);
      const Tensor back = read_npy(path_);
      EXPECT_EQ(back.dtype(), dtype);
      EXPECT_EQ(back.shape(), shape);
      EXPECT_EQ(std::memcmp(back.data(), t.data(), t.bytes()), 0);
      EXPECT_EQ((read_text(path_).size() - t.bytes()) % 64, 0u);
    }
  }
  write_npy(path_, Tensor::of<uint8_t>({3}, {1, 0, 1}).to(DType::boolean));
  EXPECT_EQ(read_npy(path_).dtype(), DType::boolean);
  EXPECT_EQ(read_npy(path_).at(2), 1);
}

TEST_F(Npy, WritesTheHeaderThatNumpyWrites) {
  write_npy(path_, Tensor(DType::f32, {5}));
  EXPECT_THAT(read_text(path_), HasSubstr("{'descr': '<f4', 'fortran_order': False, 'shape': (5,), }"));
  write_npy(path_, Tensor(DType::u8, {2, 3}));
  EXPECT_THAT(read_text(path_), HasSubstr("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }"));
  write_npy(path_, Tensor(DType::f64, {}));
  EXPECT_THAT(read_text(path_), HasSubstr("{'descr': '<f8', 'fortran_order': False, 'shape': (), }"));
}

TEST_F(Npy, FortranOrderIsConverted) {
  const Tensor t =
      read(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n", floats({0, 3, 1, 4, 2, 5})));
  EXPECT_EQ(t.shape(), (Shape{2, 3}));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(t.at(i), i);
}

TEST_F(Npy, Version2AndOtherOrdersOfKeysAreRead) {
  const Tensor t = read(npy("{\"shape\": (1,),\n 'fortran_order': False, 'descr': '<f4'}", floats({7}), 2));
  EXPECT_EQ(t.shape(), (Shape{1}));
  EXPECT_EQ(t.at(0), 7);
}

TEST_F(Npy, DamagedHeadersAreRefusedWithTheByte) {
  const BadHeader cases[] = {
      {"", "byte 10: expected '{'"},
      {"{'descr': '<f4', 'fortran_order': False}", "has no 'shape'"},
      {"{'descr': '<f4', 'shape': (1,)}", "has no 'fortran_order'"},
      {"{'fortran_order': False, 'shape': (1,)}", "has no 'descr'"},
      {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", "'descr' is given twice"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", "byte 66: the header has a key"},
      {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}", "byte 44: 'fortran_order' is neither"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "a dimension is not"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "a dimension is not"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}", "more than 8 dimensions"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296)}", "is too large"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1", "expected ')'"},
      {"{'descr': '<f4", "a quoted text does not end"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} __import__('os')", "text follows"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", "f32[2] takes 8 bytes, the file has 4"}};
  for (const BadHeader& bad : cases) {
    const std::string message = refusal(npy(bad.header, floats({1})));
    EXPECT_THAT(message, HasSubstr(bad.message)) << bad.header;
    EXPECT_THAT(message, testing::StartsWith(path_.string() + ": byte "));
  }
}

TEST_F(Npy, DamagedPrefixesAreRefused) {
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}";
  EXPECT_THAT(refusal(""), HasSubstr("is no .npy file"));
  EXPECT_THAT(refusal("PK\x03\x04 something else"), HasSubstr("is no .npy file"));
  EXPECT_THAT(refusal(npy(header, floats({1}), 3)), HasSubstr("byte 6: is version 3.0"));
  EXPECT_THAT(refusal(std::string("\x93NUMPY\x02\0\xff\xff\xff\xff", 12)), HasSubstr("claims 4294967295 bytes"));
  EXPECT_THAT(refusal(std::string("\x93NUMPY\x01\0\xff\xff", 10)),
              HasSubstr("claims 65535 bytes, the file has 0 left"));
  EXPECT_THAT(refusal(npy("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}", std::string("\x01\x02", 2))),
              HasSubstr("byte 66: a bool is neither"));
  EXPECT_THAT(refusal(npy(header, floats({1, 2}))), HasSubstr("takes 4 bytes, the file has 8"));
  const std::string whole = npy(header, floats({1}));
  for (size_t n = 0; n < whole.size(); ++n) EXPECT_NE(refusal(whole.substr(0, n)), "") << n;
}

TEST_F(Npy, TypesThatTensorsCannotHoldAreUnsupported) {
  for (const char* descr : {"'>f4'", "'<c8'", "'<u4'", "'|S5'", "[('a', '<f4')]"}) {
    const std::string header = std::string("{'descr': ") + descr + ", 'fortran_order': False, 'shape': (1,)}";
    EXPECT_THAT(message_of<Unsupported>([&] { read(npy(header, floats({1}))); }), HasSubstr("x.npy: holds")) << descr;
  }
  EXPECT_THROW(write_npy(path_, Tensor(DType::bf16, {1})), Unsupported);
  EXPECT_THROW(write_npy(path_, Tensor()), UsageError);
  EXPECT_THROW(read_npy(folder_ / "missing.npy"), IoError);
}

}  // namespace
}  // namespace ocellus
