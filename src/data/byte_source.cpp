#include "data/byte_source.h"

#include <algorithm>
#include <cstring>
#include <new>

#include <fmt/format.h>
#include <zlib.h>

#include <ocellus/base/error.h>

namespace ocellus::data {
namespace {

constexpr uint64_t deflate_ratio = 1032;          // a byte can't unpack to more than this
constexpr size_t most_at_once = size_t{1} << 30;  // zlib counts in 32 bits

}  // namespace

struct ByteSource::Inflater {
  z_stream stream{};
  size_t fed = 0;      ///< bytes of the file given to zlib
  bool ended = false;  ///< the last gzip member is complete
  bool has_peeked = false;
  uint8_t peeked = 0;

  Inflater() {
    if (inflateInit2(&stream, 15 + 16) != Z_OK) throw std::bad_alloc();  // 16: expect gzip's header
  }
  ~Inflater() { inflateEnd(&stream); }
};

ByteSource::ByteSource(const std::filesystem::path& path) : name_(path.string()), file_(path) {
  const auto bytes = file_.bytes();
  if (bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b})
    inflater_ = std::make_unique<Inflater>();
}

ByteSource::~ByteSource() = default;

uint64_t ByteSource::most() const { return file_.bytes().size() * (inflater_ ? deflate_ratio : 1); }

size_t ByteSource::read(void* out, size_t count) {
  const auto bytes = file_.bytes();
  if (!inflater_) {
    const size_t n = std::min(count, bytes.size() - static_cast<size_t>(position_));
    if (n > 0) std::memcpy(out, bytes.data() + position_, n);
    position_ += n;
    return n;
  }
  Inflater& z = *inflater_;
  size_t done = 0;
  if (z.has_peeked && count > 0) {
    static_cast<uint8_t*>(out)[done++] = z.peeked;
    z.has_peeked = false;
  }
  while (done < count && !z.ended) {
    if (z.stream.avail_in == 0) {
      const size_t n = std::min(most_at_once, bytes.size() - z.fed);
      if (n == 0) throw FormatError(name_, fmt::format("byte {}", bytes.size()), "the gzip stream is truncated");
      z.stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data() + z.fed));
      z.stream.avail_in = static_cast<uInt>(n);
      z.fed += n;
    }
    const size_t wanted = std::min(most_at_once, count - done);
    z.stream.next_out = static_cast<Bytef*>(out) + done;
    z.stream.avail_out = static_cast<uInt>(wanted);
    const int result = inflate(&z.stream, Z_NO_FLUSH);
    done += wanted - z.stream.avail_out;
    if (result == Z_STREAM_END) {
      z.ended = z.stream.avail_in == 0 && z.fed == bytes.size();
      if (!z.ended && inflateReset(&z.stream) != Z_OK) throw std::bad_alloc();  // another member follows
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      throw FormatError(name_, fmt::format("byte {}", z.fed - z.stream.avail_in), "the gzip stream is damaged");
    }
  }
  position_ += done;
  return done;
}

void ByteSource::read_exactly(void* out, size_t count, std::string_view what) {
  const uint64_t begin = position_;
  const size_t got = read(out, count);
  if (got < count)
    throw FormatError(name_, fmt::format("byte {}", begin + got),
                      fmt::format("the file is truncated: {} should take {} bytes, {} are there", what, count, got));
}

bool ByteSource::at_end() {
  if (!inflater_) return position_ == file_.bytes().size();
  if (inflater_->has_peeked) return false;
  uint8_t byte = 0;
  if (read(&byte, 1) == 0) return true;
  --position_;
  inflater_->peeked = byte;
  inflater_->has_peeked = true;
  return false;
}

std::vector<uint8_t> ByteSource::rest(uint64_t most) {
  std::vector<uint8_t> bytes;
  constexpr size_t step = size_t{1} << 22;
  for (;;) {
    const size_t used = bytes.size();
    bytes.resize(used + step);
    const size_t got = read(bytes.data() + used, step);
    bytes.resize(used + got);
    if (bytes.size() > most)
      throw FormatError(name_, fmt::format("it holds more than the {} bytes that are read", most));
    if (got < step) return bytes;
  }
}

}  // namespace ocellus::data
