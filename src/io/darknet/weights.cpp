#include "io/darknet/weights.h"

#include <cstring>
#include <sstream>

#include <fmt/format.h>

#include <ocellus/base/error.h>

namespace ocellus::io::darknet {
namespace {

constexpr size_t short_header = 16;

template <class T>
T number_at(std::span<const std::byte> bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

template <class T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

}  // namespace

std::string WeightsHeader::to_text() const { return fmt::format("{} {} {} {}", major, minor, revision, seen); }

std::optional<WeightsHeader> WeightsHeader::from_text(std::string_view text) {
  std::istringstream words{std::string(text)};
  WeightsHeader header;
  if (!(words >> header.major >> header.minor >> header.revision >> header.seen)) return std::nullopt;
  return header;
}

std::string WeightsHeader::to_bytes() const {
  std::string bytes;
  for (const int32_t number : {major, minor, revision}) append(bytes, number);
  if (wide())
    append(bytes, seen);
  else
    append(bytes, static_cast<uint32_t>(seen));
  return bytes;
}

WeightsReader::WeightsReader(const std::filesystem::path& path) : path_(path.string()), file_(path) {
  const auto bytes = file_.bytes();
  const auto whole = [&](size_t needed) {
    if (bytes.size() < needed)
      throw FormatError(path_, fmt::format("byte {}", bytes.size()),
                        fmt::format("the file ends within its header of {} bytes", needed));
  };
  whole(short_header);
  header_.major = number_at<int32_t>(bytes, 0);
  header_.minor = number_at<int32_t>(bytes, 4);
  header_.revision = number_at<int32_t>(bytes, 8);
  if (header_.major < 0 || header_.minor < 0)
    throw FormatError(path_, "byte 0", fmt::format("no version of darknet: {}.{}", header_.major, header_.minor));
  whole(header_.bytes());
  header_.seen = header_.wide() ? number_at<uint64_t>(bytes, 12) : number_at<uint32_t>(bytes, 12);
  at_ = header_.bytes();
}

void WeightsReader::need(int64_t count, std::string_view what) const {
  const uint64_t left = size() - at_;
  if (static_cast<uint64_t>(count) > left / sizeof(float))
    throw FormatError(path_, fmt::format("byte {}", at_),
                      fmt::format("{} takes {} bytes of weights, {} are left of the file's {}", what,
                                  static_cast<uint64_t>(count) * sizeof(float), left, size()));
}

Tensor WeightsReader::take(const Shape& shape, std::string_view what) {
  need(shape.numel(), what);
  auto* from = const_cast<std::byte*>(file_.bytes().data()) + at_;  // read only: what is taken is copied from
  at_ += static_cast<uint64_t>(shape.numel()) * sizeof(float);
  return Tensor::view(DType::f32, shape, from);
}

void WeightsReader::finish() const {
  if (at_ != size())
    throw FormatError(path_, fmt::format("byte {}", at_),
                      fmt::format("{} bytes are left over after the last section: these are weights of another network",
                                  size() - at_));
}

}  // namespace ocellus::io::darknet
