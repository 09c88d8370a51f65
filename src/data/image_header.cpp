// Image files are measured and checked for wholeness before a decoder sees them. A codec library asked to read a
// file that claims 50,000 x 50,000 pixels takes the memory first; given half a JPEG it fills the rest with grey, tells
// standard error and reports success. The walk below reads only the structure (markers, chunks and their check sums,
// sizes) and leaves the pixels alone.
#include <ocellus/data/image.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <zlib.h>

#include <ocellus/base/error.h>

namespace ocellus::data {
namespace {

constexpr uint64_t deflate_ratio = 1032;  // DEFLATE can't expand a byte to more than this

/// Bounds-checked reads of one file's bytes.
class Bytes {
 public:
  Bytes(std::span<const std::byte> bytes, std::string_view name) : bytes_(bytes), name_(name) {}
  size_t size() const { return bytes_.size(); }
  const unsigned char* data() const { return reinterpret_cast<const unsigned char*>(bytes_.data()); }

  uint32_t u8(size_t at) const {
    if (at >= size()) truncated();
    return data()[at];
  }
  uint32_t be16(size_t at) const { return u8(at) << 8 | u8(at + 1); }
  uint32_t be32(size_t at) const { return be16(at) << 16 | be16(at + 2); }
  uint32_t le16(size_t at) const { return u8(at) | u8(at + 1) << 8; }
  uint32_t le24(size_t at) const { return le16(at) | u8(at + 2) << 16; }
  uint32_t le32(size_t at) const { return le16(at) | le16(at + 2) << 16; }
  bool has(size_t at, std::string_view text) const {
    return at <= size() && text.size() <= size() - at && std::memcmp(data() + at, text.data(), text.size()) == 0;
  }
  void need(uint64_t count) const {
    if (count > size()) truncated();
  }
  [[noreturn]] void truncated() const {
    throw FormatError(name_, fmt::format("byte {}", size()), "the image ends too early: the file is truncated");
  }
  [[noreturn]] void bad(size_t at, std::string_view message) const {
    throw FormatError(name_, fmt::format("byte {}", at), message);
  }
  std::string_view name() const { return name_; }

 private:
  std::span<const std::byte> bytes_;
  std::string_view name_;
};

ImageHeader jpeg_header(const Bytes& file) {
  ImageHeader header{ImageFormat::jpeg, -1, -1};
  size_t at = 2;
  for (;;) {
    if (file.u8(at) != 0xff) file.bad(at, "expected a JPEG marker");
    while (file.u8(at) == 0xff) ++at;
    const uint32_t marker = file.u8(at++);
    if (marker == 0xd9) break;
    if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) continue;
    const uint32_t length = file.be16(at);
    if (length < 2) file.bad(at, "a JPEG segment of less than two bytes");
    const bool frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame && header.width < 0) {
      header.height = file.be16(at + 3);
      header.width = file.be16(at + 5);
    }
    at += length;
    if (marker != 0xda) continue;
    for (;; ++at) {  // coded pixels, up to a marker that is neither a stuffed zero nor a restart
      const void* found = at < file.size() ? std::memchr(file.data() + at, 0xff, file.size() - at) : nullptr;
      if (found == nullptr) file.truncated();
      at = static_cast<size_t>(static_cast<const unsigned char*>(found) - file.data());
      const uint32_t next = file.u8(at + 1);
      if (next != 0 && next != 0xff && !(next >= 0xd0 && next <= 0xd7)) break;
    }
  }
  if (header.width < 0) file.bad(at, "a JPEG without a frame");
  return header;
}

ImageHeader png_header(const Bytes& file) {
  if (!file.has(12, "IHDR") || file.be32(8) != 13) file.bad(8, "expected the PNG header chunk");
  const ImageHeader header{ImageFormat::png, file.be32(16), file.be32(20)};
  uint64_t compressed = 0;
  for (size_t at = 8;;) {
    const uint32_t length = file.be32(at);
    if (length > 0x7fffffff) file.bad(at, "a PNG chunk of more than 2^31 bytes");
    file.need(uint64_t{at} + 12 + length);
    const auto check = crc32(0, file.data() + at + 4, length + 4);
    if (check != file.be32(at + 8 + length)) file.bad(at, "wrong check sum of a PNG chunk: the file is damaged");
    if (file.has(at + 4, "IDAT")) compressed += length;
    if (file.has(at + 4, "IEND")) break;
    at += 12 + size_t{length};
  }
  const uint64_t bits = file.u8(24) * (file.u8(25) == 2 ? 3u : file.u8(25) == 4 ? 2u : file.u8(25) == 6 ? 4u : 1u);
  const uint64_t row = (static_cast<uint64_t>(header.width) * bits + 7) / 8;
  if (row != 0 && static_cast<uint64_t>(header.height) > (compressed * deflate_ratio + 1024) / row)
    file.bad(16, fmt::format("{}x{} pixels can't come from {} bytes", header.width, header.height, compressed));
  return header;
}

ImageHeader bmp_header(const Bytes& file) {
  ImageHeader header{ImageFormat::bmp, 0, 0};
  const uint32_t info = file.le32(14);
  const bool old = info == 12;
  header.width = old ? file.le16(18) : static_cast<int32_t>(file.le32(18));
  header.height = old ? file.le16(20) : static_cast<int32_t>(file.le32(22));
  if (header.height < 0) header.height = -header.height;  // rows from top to bottom
  if (header.width < 0) file.bad(18, "a negative width");
  const uint64_t bits = old ? file.le16(24) : file.le16(28);
  const uint32_t coding = old ? 0 : file.le32(30);
  if (coding == 1 || coding == 2) throw Unsupported(fmt::format("{}: run-length coded BMP is not read", file.name()));
  if (bits == 0 || bits > 32) file.bad(28, fmt::format("{} bits per pixel", bits));
  const uint64_t row = (static_cast<uint64_t>(header.width) * bits + 31) / 32 * 4;
  if (row != 0 && static_cast<uint64_t>(header.height) <= (uint64_t{1} << 60) / row)
    if (header.width <= 1 << 20 && header.height <= 1 << 20)
      file.need(file.le32(10) + row * static_cast<uint64_t>(header.height));
  return header;
}

/// The next decimal number of a PNM header, past white space and comments.
uint64_t pnm_number(const Bytes& file, size_t& at) {
  for (;; ++at) {
    const uint32_t c = file.u8(at);
    if (c == '#') {
      while (file.u8(at) != '\n') ++at;
    } else if (std::isspace(static_cast<int>(c)) == 0) {
      break;
    }
  }
  uint64_t value = 0;
  const size_t begin = at;
  for (; file.u8(at) >= '0' && file.u8(at) <= '9'; ++at) {
    value = value * 10 + (file.u8(at) - '0');
    if (value > 0xffffffff) file.bad(begin, "a number that is too large");
  }
  if (at == begin) file.bad(at, "expected a number in the PNM header");
  return value;
}

ImageHeader pnm_header(const Bytes& file) {
  const uint32_t kind = file.u8(1) - '0';
  size_t at = 2;
  ImageHeader header{ImageFormat::pnm, 0, 0};
  header.width = static_cast<int64_t>(pnm_number(file, at));
  header.height = static_cast<int64_t>(pnm_number(file, at));
  const bool bitmap = kind == 1 || kind == 4;
  const uint64_t most = bitmap ? 1 : pnm_number(file, at);
  if (most == 0 || most > 65535) file.bad(at, fmt::format("a largest value of {}", most));
  if (header.width > 1 << 20 || header.height > 1 << 20) return header;  // too large whatever follows
  const auto width = static_cast<uint64_t>(header.width), height = static_cast<uint64_t>(header.height);
  const uint64_t values = width * height * (kind == 3 || kind == 6 ? 3 : 1);
  if (kind <= 3)
    file.need(at + (bitmap ? values : 2 * values));  // in text every value but a bit takes a separator too
  else
    file.need(at + 1 + (bitmap ? (width + 7) / 8 * height : values * (most > 255 ? 2 : 1)));
  return header;
}

ImageHeader webp_header(const Bytes& file) {
  file.need(uint64_t{file.le32(4)} + 8);
  ImageHeader header{ImageFormat::webp, 0, 0};
  if (file.has(12, "VP8 ")) {
    if (file.u8(23) != 0x9d || file.u8(24) != 0x01 || file.u8(25) != 0x2a) file.bad(23, "no WebP key frame");
    header.width = file.le16(26) & 0x3fff;
    header.height = file.le16(28) & 0x3fff;
  } else if (file.has(12, "VP8L")) {
    const uint32_t sizes = file.le32(21);
    header.width = (sizes & 0x3fff) + 1;
    header.height = (sizes >> 14 & 0x3fff) + 1;
  } else if (file.has(12, "VP8X")) {
    header.width = file.le24(24) + 1;
    header.height = file.le24(27) + 1;
  } else {
    file.bad(12, "an unknown WebP chunk");
  }
  return header;
}

}  // namespace

ImageHeader read_image_header(std::span<const std::byte> bytes, std::string_view name) {
  const Bytes file(bytes, name);
  if (file.size() == 0) throw FormatError(name, "the file is empty");
  if (file.has(0, "\xff\xd8\xff")) return jpeg_header(file);
  if (file.has(0, "\x89PNG\r\n\x1a\n")) return png_header(file);
  if (file.has(0, "BM")) return bmp_header(file);
  if (file.has(0, "P") && file.size() > 2 && file.u8(1) >= '1' && file.u8(1) <= '6' &&
      std::isspace(static_cast<int>(file.u8(2))) != 0)
    return pnm_header(file);
  if (file.has(0, "RIFF") && file.has(8, "WEBP")) return webp_header(file);
  throw FormatError(name, "not an image: its first bytes are not those of JPEG, PNG, BMP, PNM or WebP");
}

bool is_image_extension(std::string_view extension) {
  std::string lower(extension);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  constexpr std::string_view known[] = {".jpg", ".jpeg", ".png", ".bmp", ".pbm", ".pgm", ".ppm", ".pnm", ".webp"};
  return std::find(std::begin(known), std::end(known), lower) != std::end(known);
}

}  // namespace ocellus::data
