// The safetensors format: eight bytes with the length of a JSON header, the header, then the tensors' bytes. The header
// maps each name to {"dtype", "shape", "data_offsets": [begin, end]}, offsets counted from the end of the header, and
// "__metadata__" to an object of texts. The JSON is read by events, not into a tree: so a name given twice is seen,
// depth is bounded by the states below, and memory stays proportional to the header, which is itself bounded.
#include <ocellus/tensor/safetensors.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ocellus/base/error.h>
#include <ocellus/base/file.h>

namespace ocellus {
namespace {

constexpr uint64_t max_header = 100'000'000;
constexpr size_t data_alignment = 64;  // so that a map of the file can be computed with as it is
constexpr std::string_view metadata_key = "__metadata__";

struct FileType {
  std::string_view name;
  size_t bytes;
  std::optional<DType> dtype;
};
constexpr std::array<FileType, 15> file_types = {{{"F32", 4, DType::f32},
                                                  {"F64", 8, DType::f64},
                                                  {"BF16", 2, DType::bf16},
                                                  {"F16", 2, DType::f16},
                                                  {"I8", 1, DType::i8},
                                                  {"U8", 1, DType::u8},
                                                  {"I32", 4, DType::i32},
                                                  {"I64", 8, DType::i64},
                                                  {"BOOL", 1, DType::boolean},
                                                  {"I16", 2, {}},
                                                  {"U16", 2, {}},
                                                  {"U32", 4, {}},
                                                  {"U64", 8, {}},
                                                  {"F8_E4M3", 1, {}},
                                                  {"F8_E5M2", 1, {}}}};

const FileType* find_type(std::string_view name) {
  const auto* found = std::ranges::find(file_types, name, &FileType::name);
  return found == file_types.end() ? nullptr : found;
}

std::string_view type_name(DType dtype) {
  const auto* found = std::ranges::find(file_types, std::optional<DType>(dtype), &FileType::dtype);
  return found->name;
}

/// A name as it may be shown in a one-line message: control characters replaced, cut after 80 bytes.
std::string shown(std::string_view name) {
  std::string text(name.substr(0, 80));
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
  return name.size() > 80 ? text + "..." : text;
}

/// Takes the JSON reader's events and fills a SafetensorsHeader; offsets stay relative to the data.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderReader(const std::string& path, SafetensorsHeader& header) : path_(path), header_(header) {}

  bool null() override { fail("null is no value of the format"); }
  bool boolean(bool) override { fail("a truth value is no value of the format"); }
  bool number_float(number_float_t, const string_t&) override { fail("a number is not whole, or too large"); }
  bool binary(binary_t&) override { fail("binary data is no value of the format"); }
  bool number_integer(number_integer_t) override { fail("a number is negative"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) fail("a number is larger than 2^63");
    if (state_ == State::shape) {
      if (entry().shape.size() == Shape::max_rank) fail("the shape has more than 8 dimensions");
      entry().shape.push_back(static_cast<int64_t>(value));
    } else if (state_ == State::offsets) {
      if (offsets_ == 2) fail("\"data_offsets\" has more than two numbers");
      (offsets_ == 0 ? entry().begin : entry().end) = value;
      ++offsets_;
    } else {
      fail("a number stands where none belongs");
    }
    return true;
  }

  bool string(string_t& value) override {
    if (state_ == State::metadata) {
      header_.metadata[key_] = value;
    } else if (state_ == State::entry && key_ == "dtype") {
      if (find_type(value) == nullptr) fail(fmt::format("unknown dtype \"{}\"", shown(value)));
      entry().dtype = value;
    } else {
      fail("a text stands where none belongs");
    }
    return true;
  }

  bool start_object(size_t) override {
    if (state_ == State::before) {
      state_ = State::top;
    } else if (state_ == State::top) {
      state_ = key_ == metadata_key ? State::metadata : State::entry;
      if (state_ == State::entry) {
        header_.tensors.push_back({.name = key_, .dtype = {}, .shape = {}});
        shape_seen_ = false;
        offsets_ = 0;
      }
      keys_.clear();
    } else {
      fail("an object stands where none belongs");
    }
    return true;
  }

  bool key(string_t& value) override {
    if (state_ == State::top) {
      if (!names_.insert(value).second)
        throw FormatError(path_, fmt::format("tensor {}", shown(value)), "the name is given twice");
    } else {
      if (!keys_.insert(value).second) fail(fmt::format("the key \"{}\" is given twice", shown(value)));
      if (state_ == State::entry && value != "dtype" && value != "shape" && value != "data_offsets")
        fail(fmt::format("unknown key \"{}\"", shown(value)));
    }
    key_ = value;
    return true;
  }

  bool end_object() override {
    if (state_ == State::entry) {
      if (entry().dtype.empty()) fail("\"dtype\" is missing");
      if (!shape_seen_) fail("\"shape\" is missing");
      if (offsets_ != 2) fail("\"data_offsets\" is missing");
    }
    state_ = state_ == State::top ? State::after : State::top;
    return true;
  }

  bool start_array(size_t) override {
    if (state_ == State::entry && key_ == "shape") {
      state_ = State::shape;
      shape_seen_ = true;
    } else if (state_ == State::entry && key_ == "data_offsets") {
      state_ = State::offsets;
    } else {
      fail("a list stands where none belongs");
    }
    return true;
  }

  bool end_array() override {
    if (state_ == State::offsets && offsets_ != 2) fail("\"data_offsets\" needs two numbers");
    state_ = State::entry;
    return true;
  }

  bool parse_error(size_t position, const std::string& token, const nlohmann::json::exception&) override {
    throw FormatError(path_, fmt::format("byte {}", 8 + (position > 0 ? position - 1 : 0)),
                      fmt::format("the header is no valid JSON near \"{}\"", shown(token)));
  }

 private:
  enum class State { before, top, metadata, entry, shape, offsets, after };

  SafetensorsEntry& entry() { return header_.tensors.back(); }

  [[noreturn]] void fail(std::string_view message) const {
    if (state_ == State::before || state_ == State::after)
      throw FormatError(path_, "byte 8", fmt::format("the header is no JSON object: {}", message));
    if (state_ == State::metadata) throw FormatError(path_, metadata_key, message);
    const std::string& name = state_ == State::top ? key_ : header_.tensors.back().name;
    throw FormatError(path_, fmt::format("tensor {}", shown(name)), message);
  }

  const std::string& path_;
  SafetensorsHeader& header_;
  State state_ = State::before;
  std::string key_;
  std::set<std::string> names_, keys_;
  bool shape_seen_ = false;
  int offsets_ = 0;
};

[[noreturn]] void fail_at(const std::string& path, uint64_t byte, std::string_view message) {
  throw FormatError(path, fmt::format("byte {}", byte), message);
}

/// Checks that shape and dtype of each tensor account for its bytes, and that together they fill the data exactly.
void check_layout(const std::string& path, const SafetensorsHeader& header, uint64_t data_bytes) {
  std::vector<const SafetensorsEntry*> order;
  for (const SafetensorsEntry& entry : header.tensors) {
    const auto fail = [&](std::string_view message) {
      throw FormatError(path, fmt::format("tensor {}", shown(entry.name)), message);
    };
    if (entry.end < entry.begin)
      fail(fmt::format("its data end at {} before they begin at {}", entry.end, entry.begin));
    if (entry.end > data_bytes)
      fail(fmt::format("its data run to {}, past the end of the file's {} bytes of data", entry.end, data_bytes));
    uint64_t bytes = find_type(entry.dtype)->bytes;
    const bool empty = std::ranges::find(entry.shape, 0) != entry.shape.end();
    for (const int64_t dim : entry.shape)
      if (!empty && __builtin_mul_overflow(bytes, static_cast<uint64_t>(dim), &bytes)) fail("its shape is too large");
    if (empty) bytes = 0;
    if (bytes != entry.end - entry.begin)
      fail(fmt::format("{}[{}] takes {} bytes, its offsets give it {}", entry.dtype, fmt::join(entry.shape, ","), bytes,
                       entry.end - entry.begin));
    order.push_back(&entry);
  }
  std::ranges::sort(order, {}, [](const SafetensorsEntry* e) { return std::pair(e->begin, e->end); });
  uint64_t filled = 0;
  for (const SafetensorsEntry* entry : order) {
    if (entry->begin != filled)
      throw FormatError(path, fmt::format("tensor {}", shown(entry->name)),
                        entry->begin < filled
                            ? fmt::format("its data overlap another tensor's at {}", entry->begin)
                            : fmt::format("a hole lies before its data, from {} to {}", filled, entry->begin));
    filled = entry->end;
  }
  if (filled != data_bytes)
    fail_at(path, 8 + header.header_bytes + filled, fmt::format("{} bytes belong to no tensor", data_bytes - filled));
}

SafetensorsHeader parse(const std::string& path, std::span<const std::byte> file) {
  SafetensorsHeader header;
  header.file_bytes = file.size();
  if (file.size() < 8) fail_at(path, file.size(), "the file ends before the 8 bytes of the header's length");
  for (size_t i = 0; i < 8; ++i) header.header_bytes |= static_cast<uint64_t>(file[i]) << (8 * i);
  if (header.header_bytes > max_header)
    fail_at(path, 0,
            fmt::format("the header claims {} bytes; is it a safetensors file? At most {} are read",
                        header.header_bytes, max_header));
  if (header.header_bytes > file.size() - 8)
    fail_at(path, 0,
            fmt::format("the header claims {} bytes, the file has {} left", header.header_bytes, file.size() - 8));
  const char* text = reinterpret_cast<const char*>(file.data()) + 8;
  HeaderReader reader(path, header);
  nlohmann::json::sax_parse(text, text + header.header_bytes, &reader);
  const uint64_t start = 8 + header.header_bytes;
  check_layout(path, header, file.size() - start);
  for (SafetensorsEntry& entry : header.tensors) {
    entry.begin += start;
    entry.end += start;
  }
  return header;
}

Tensor tensor_of(const std::string& path, const SafetensorsEntry& entry, const std::shared_ptr<MappedFile>& map) {
  const FileType& type = *find_type(entry.dtype);
  if (!type.dtype)
    throw Unsupported(
        fmt::format("{}: tensor {}: elements of type {} can't be read", path, shown(entry.name), type.name));
  const std::byte* data = map->bytes().data() + entry.begin;
  if (*type.dtype == DType::boolean)
    for (uint64_t i = 0; i < entry.end - entry.begin; ++i)
      if (static_cast<uint8_t>(data[i]) > 1) fail_at(path, entry.begin + i, "a bool is neither 0 nor 1");
  Shape shape;
  int64_t count = 0;
  try {
    shape = Shape(std::span<const int64_t>(entry.shape));
    count = shape.numel();
  } catch (const ShapeError& error) {  // [0, 2^62, 2^62]: no bytes, but no shape of ours either
    throw FormatError(path, fmt::format("tensor {}", shown(entry.name)), error.message());
  }
  if (entry.begin % type.bytes != 0) return Tensor::copy_of(*type.dtype, shape, data, static_cast<size_t>(count));
  return Tensor::view(*type.dtype, shape, const_cast<std::byte*>(data), map);
}

std::string header_json(const std::filesystem::path& path, const SafetensorsFile& file) {
  std::set<std::string_view> names;
  uint64_t offset = 0;
  std::string text = "{";
  try {
    if (!file.metadata.empty()) text += fmt::format("\"{}\":{}", metadata_key, nlohmann::json(file.metadata).dump());
    for (const auto& [name, tensor] : file.tensors) {
      if (!tensor) throw UsageError(fmt::format("{}: tensor {} is empty", path.string(), shown(name)));
      if (name == metadata_key) throw UsageError(fmt::format("{}: no tensor can be named {}", path.string(), name));
      if (!names.insert(name).second)
        throw UsageError(fmt::format("{}: two tensors are named {}", path.string(), shown(name)));
      text += fmt::format("{}{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}",
                          text.size() > 1 ? "," : "", nlohmann::json(name).dump(), type_name(tensor.dtype()),
                          fmt::join(tensor.shape().dims(), ","), offset, offset + tensor.bytes());
      offset += tensor.bytes();
    }
  } catch (const nlohmann::json::exception&) {
    throw UsageError(path.string() + ": a name or a metadata text is not UTF-8");
  }
  text += '}';
  text.append((data_alignment - (sizeof(uint64_t) + text.size()) % data_alignment) % data_alignment, ' ');
  if (text.size() > max_header)
    throw UsageError(
        fmt::format("{}: names and metadata take {} bytes; {} fit", path.string(), text.size(), max_header));
  return text;
}

}  // namespace

SafetensorsHeader inspect_safetensors(const std::filesystem::path& path) {
  const MappedFile map(path);
  return parse(path.string(), map.bytes());
}

SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  const auto map = std::make_shared<MappedFile>(path);
  SafetensorsHeader header = parse(path.string(), map->bytes());
  SafetensorsFile file;
  file.metadata = std::move(header.metadata);
  file.tensors.reserve(header.tensors.size());
  for (SafetensorsEntry& entry : header.tensors) {
    Tensor tensor = tensor_of(path.string(), entry, map);
    file.tensors.emplace_back(std::move(entry.name), std::move(tensor));
  }
  return file;
}

void write_safetensors(const std::filesystem::path& path, const SafetensorsFile& file) {
  const std::string header = header_json(path, file);
  write_atomically(path, [&](ByteSink& sink) {
    std::array<char, 8> length;
    for (size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(uint64_t{header.size()} >> (8 * i) & 0xff);
    sink.write(length.data(), length.size());
    sink.write(header);
    for (const auto& [name, tensor] : file.tensors) sink.write(tensor.data(), tensor.bytes());
  });
}

}  // namespace ocellus
