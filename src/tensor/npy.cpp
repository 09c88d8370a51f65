// NumPy's format, version 1 and 2: the magic "\x93NUMPY", two version bytes, the header's length (2 or 4 bytes), and
// the header, a Python dictionary literal with exactly the keys descr, fortran_order and shape. The data follow to the
// end of the file. The literal is read by a parser of just that much Python; nothing in it can make it recurse or
// allocate.
#include <ocellus/tensor/npy.h>

#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/base/file.h>

namespace ocellus {
namespace {

constexpr std::string_view magic("\x93NUMPY", 6);
constexpr uint64_t max_header = uint64_t{1} << 20;

struct Descr {
  DType dtype;
  std::string_view text;
};
constexpr std::array<Descr, 8> descrs = {{{DType::f32, "<f4"},
                                          {DType::f64, "<f8"},
                                          {DType::f16, "<f2"},
                                          {DType::i32, "<i4"},
                                          {DType::i64, "<i8"},
                                          {DType::u8, "|u1"},
                                          {DType::i8, "|i1"},
                                          {DType::boolean, "|b1"}}};

struct Header {
  std::optional<DType> dtype;
  std::optional<bool> fortran;
  std::optional<Shape> shape;
};

/// Reads the header's dictionary; positions in errors are bytes of the file.
class HeaderParser {
 public:
  HeaderParser(const std::filesystem::path& path, std::string_view text, size_t offset)
      : path_(path), text_(text), offset_(offset) {}

  Header parse() {
    Header header;
    expect('{');
    while (!accept('}')) {
      entry(header);
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_spaces();
    if (at_ != text_.size()) fail("text follows the header's dictionary");
    if (!header.dtype) fail("the header has no 'descr'");
    if (!header.fortran) fail("the header has no 'fortran_order'");
    if (!header.shape) fail("the header has no 'shape'");
    return header;
  }

 private:
  void entry(Header& header) {
    const size_t start = at_;
    const std::string_view key = quoted();
    expect(':');
    const auto once = [&](bool seen) {
      if (seen) fail(fmt::format("the key '{}' is given twice", key), start);
    };
    if (key == "descr") {
      once(header.dtype.has_value());
      header.dtype = dtype();
    } else if (key == "fortran_order") {
      once(header.fortran.has_value());
      header.fortran = boolean();
    } else if (key == "shape") {
      once(header.shape.has_value());
      header.shape = shape();
    } else {
      fail("the header has a key that is none of 'descr', 'fortran_order', 'shape'", start);
    }
  }

  DType dtype() {
    skip_spaces();
    const size_t start = at_;
    if (at_ < text_.size() && text_[at_] == '[')
      throw Unsupported(fmt::format("{}: holds records; only plain arrays are read", path_.string()));
    const std::string_view text = quoted();
    for (const Descr& d : descrs)
      if (text.size() == 3 && text.substr(1) == d.text.substr(1) &&
          (text[0] == d.text[0] || (d.text[0] == '|' && text[0] == '<')))
        return d.dtype;
    if (text.empty() || text.size() > 16) fail("'descr' is no element type", start);
    for (char c : text)
      if (c < ' ' || c > '~') fail("'descr' is no element type", start);
    throw Unsupported(fmt::format("{}: holds elements of type '{}'; read are {}", path_.string(), text, known()));
  }

  static std::string known() {
    std::string list;
    for (const Descr& d : descrs) list += (list.empty() ? "" : " ") + std::string(d.text);
    return list;
  }

  bool boolean() {
    skip_spaces();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    }
    fail("'fortran_order' is neither True nor False");
  }

  Shape shape() {
    std::array<int64_t, Shape::max_rank> dims{};
    size_t rank = 0;
    expect('(');
    while (!accept(')')) {
      skip_spaces();
      int64_t dim = 0;
      const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), dim);
      if (error != std::errc() || dim < 0) fail("a dimension is not a whole number from 0 to 2^63");
      if (rank == dims.size()) fail("the array has more than 8 dimensions");
      dims[rank++] = dim;
      at_ = static_cast<size_t>(end - text_.data());
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return Shape(std::span<const int64_t>(dims.data(), rank));
  }

  std::string_view quoted() {
    skip_spaces();
    if (at_ == text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) fail("expected a quoted text");
    const size_t start = at_ + 1;
    const size_t end = text_.find(text_[at_], start);
    if (end == std::string_view::npos) fail("a quoted text does not end");
    at_ = end + 1;
    return text_.substr(start, end - start);
  }

  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool accept(char c) {
    skip_spaces();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(fmt::format("expected '{}' in the header", c));
  }
  [[noreturn]] void fail(std::string_view message) { fail(message, at_); }
  [[noreturn]] void fail(std::string_view message, size_t at) {
    throw FormatError(path_.string(), fmt::format("byte {}", offset_ + at), message);
  }

  const std::filesystem::path& path_;
  std::string_view text_;
  size_t offset_;
  size_t at_ = 0;
};

[[noreturn]] void fail(const std::filesystem::path& path, uint64_t byte, std::string_view message) {
  throw FormatError(path.string(), fmt::format("byte {}", byte), message);
}

/// The header's text and where in the file it starts.
std::pair<std::string_view, size_t> header_text(const std::filesystem::path& path, std::string_view file) {
  if (!file.starts_with(magic)) fail(path, 0, "is no .npy file: it does not start with \\x93NUMPY");
  if (file.size() < 10) fail(path, file.size(), "the file ends before the header's length");
  const int version = static_cast<unsigned char>(file[6]);
  if ((version != 1 && version != 2) || file[7] != 0)
    fail(path, 6,
         fmt::format("is version {}.{} of the format; 1.0 and 2.0 are read", version,
                     static_cast<unsigned char>(file[7])));
  const size_t length_bytes = version == 1 ? 2 : 4;
  const size_t start = 8 + length_bytes;
  if (file.size() < start) fail(path, file.size(), "the file ends before the header's length");
  uint64_t length = 0;
  for (size_t i = 0; i < length_bytes; ++i) length |= uint64_t{static_cast<unsigned char>(file[8 + i])} << (8 * i);
  if (length > max_header)
    fail(path, 8, fmt::format("the header claims {} bytes; at most {} are read", length, max_header));
  if (length > file.size() - start)
    fail(path, 8, fmt::format("the header claims {} bytes, the file has {} left", length, file.size() - start));
  return {file.substr(start, length), start};
}

/// Copies Fortran-ordered elements into row-major order.
void from_fortran(const Shape& shape, size_t element, const char* src, char* dst) {
  std::array<int64_t, Shape::max_rank> index{};
  const size_t rank = shape.rank();
  std::array<int64_t, Shape::max_rank> step{};
  int64_t stride = 1;
  for (size_t i = 0; i < rank; ++i) {
    step[i] = stride;
    stride *= shape[i];
  }
  int64_t from = 0;
  for (int64_t n = shape.numel(), i = 0; i < n; ++i) {
    std::memcpy(dst + static_cast<size_t>(i) * element, src + static_cast<size_t>(from) * element, element);
    for (size_t axis = rank; axis-- > 0;) {
      from += step[axis];
      if (++index[axis] < shape[axis]) break;
      from -= step[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

}  // namespace

Tensor read_npy(const std::filesystem::path& path) {
  const MappedFile map(path);
  const std::string_view file(reinterpret_cast<const char*>(map.bytes().data()), map.bytes().size());
  const auto [text, start] = header_text(path, file);
  const Header header = HeaderParser(path, text, start).parse();
  const size_t data_start = start + text.size(), data_bytes = file.size() - data_start;

  uint64_t expected = size_of(*header.dtype);
  for (const int64_t dim : *header.shape)
    if (__builtin_mul_overflow(expected, static_cast<uint64_t>(dim), &expected) || expected > uint64_t{1} << 62)
      fail(path, start, fmt::format("the shape {} is too large", header.shape->to_string()));
  if (expected != data_bytes)
    fail(path, data_start,
         fmt::format("{}{} takes {} bytes, the file has {}", to_string(*header.dtype), header.shape->to_string(),
                     expected, data_bytes));
  const char* data = file.data() + data_start;
  if (*header.dtype == DType::boolean)
    for (size_t i = 0; i < data_bytes; ++i)
      if (static_cast<unsigned char>(data[i]) > 1) fail(path, data_start + i, "a bool is neither 0 nor 1");

  Tensor tensor(*header.dtype, *header.shape);
  if (*header.fortran && header.shape->rank() > 1)
    from_fortran(*header.shape, size_of(*header.dtype), data, static_cast<char*>(tensor.data()));
  else if (data_bytes > 0)
    std::memcpy(tensor.data(), data, data_bytes);
  return tensor;
}

void write_npy(const std::filesystem::path& path, const Tensor& tensor) {
  if (!tensor) throw UsageError(path.string() + ": there is no tensor to write");
  std::string_view descr;
  for (const Descr& d : descrs)
    if (d.dtype == tensor.dtype()) descr = d.text;
  if (descr.empty())
    throw Unsupported(
        fmt::format("{}: NumPy has no type for {}; convert it to f32 first", path.string(), to_string(tensor.dtype())));
  std::string shape = "(";
  for (const int64_t dim : tensor.shape()) shape += fmt::format("{}, ", dim);
  if (tensor.shape().rank() > 1) shape.resize(shape.size() - 2);
  if (tensor.shape().rank() == 1) shape.pop_back();
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}), }}", descr, shape);
  header.append(63 - (10 + header.size()) % 64, ' ');  // with the final newline the data start on 64 bytes
  header += '\n';
  write_atomically(path, [&](ByteSink& sink) {
    const char version[4] = {1, 0, static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
    sink.write(magic);
    sink.write(version, sizeof version);
    sink.write(header);
    sink.write(tensor.data(), tensor.bytes());
  });
}

}  // namespace ocellus
