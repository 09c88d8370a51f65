#include "io/keras/archive.h"

#include <zip.h>

#include <set>

#include <fmt/format.h>

#include <ocellus/base/error.h>

namespace ocellus::io::keras {
namespace {

constexpr uint64_t largest_ratio = 100, always_allowed = uint64_t{1} << 20;
constexpr zip_int64_t most_entries = 10'000;

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

std::string reason(zip_error_t& error) {
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

}  // namespace

struct ArchiveReader::State {
  std::unique_ptr<zip_t, Discard> archive;
  uint64_t allowance = 0;  ///< bytes that may still be unpacked
};

ArchiveReader::ArchiveReader(std::span<const std::byte> bytes, std::string source)
    : source_(std::move(source)), state_(std::make_unique<State>()) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* data = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (!data) throw Error("zip: " + reason(error));
  state_->archive.reset(zip_open_from_source(data, ZIP_RDONLY | ZIP_CHECKCONS, &error));
  if (!state_->archive) {
    zip_source_free(data);
    throw FormatError(source_, "is no zip archive, or a damaged one: " + reason(error));
  }
  zip_error_fini(&error);
  state_->allowance = largest_ratio * bytes.size() + always_allowed;
  const zip_int64_t count = zip_get_num_entries(state_->archive.get(), 0);
  if (count < 0 || count > most_entries) throw FormatError(source_, fmt::format("has {} entries, too many", count));
  std::set<std::string> names;
  for (zip_int64_t i = 0; i < count; ++i) {
    const char* name = zip_get_name(state_->archive.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
    if (!name || !names.insert(name).second)
      throw FormatError(source_, fmt::format("entry {}", i), "has no name of its own");
  }
}

ArchiveReader::~ArchiveReader() = default;

bool ArchiveReader::has(const std::string& name) const {
  return zip_name_locate(state_->archive.get(), name.c_str(), ZIP_FL_ENC_RAW) >= 0;
}

std::string ArchiveReader::read(const std::string& name) const {
  const std::string where = "entry " + name;
  const zip_int64_t index = zip_name_locate(state_->archive.get(), name.c_str(), ZIP_FL_ENC_RAW);
  if (index < 0) throw FormatError(source_, where, "is missing");
  zip_stat_t stat;
  if (zip_stat_index(state_->archive.get(), static_cast<zip_uint64_t>(index), 0, &stat) != 0 ||
      !(stat.valid & ZIP_STAT_SIZE))
    throw FormatError(source_, where, "has no size");
  if (stat.size > state_->allowance)
    throw FormatError(
        source_, where,
        fmt::format("says it unpacks to {} bytes, more than {} times the file", stat.size, largest_ratio));
  if ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) && stat.encryption_method != ZIP_EM_NONE)
    throw Unsupported(source_ + ": " + where + " is encrypted");
  state_->allowance -= stat.size;
  const std::unique_ptr<zip_file_t, Discard> file(
      zip_fopen_index(state_->archive.get(), static_cast<zip_uint64_t>(index), 0));
  if (!file) throw FormatError(source_, where, "can't be unpacked");
  std::string content(stat.size, '\0');
  size_t done = 0;
  while (done < content.size()) {
    const zip_int64_t got = zip_fread(file.get(), content.data() + done, content.size() - done);
    if (got <= 0) throw FormatError(source_, where, fmt::format("is damaged after {} bytes", done));
    done += static_cast<size_t>(got);
  }
  // One read more makes the library compare the checksum, and tells an entry that is longer than it says.
  char more = 0;
  if (zip_fread(file.get(), &more, 1) != 0)
    throw FormatError(source_, where, "is longer than it says, or has another checksum");
  return content;
}

std::string archive_of(const std::vector<std::pair<std::string, std::string>>& entries) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* target = zip_source_buffer_create(nullptr, 0, 0, &error);
  if (!target) throw Error("zip: " + reason(error));
  zip_source_keep(target);
  zip_t* archive = zip_open_from_source(target, ZIP_TRUNCATE, &error);
  if (!archive) {
    zip_source_free(target);
    zip_source_free(target);
    throw Error("zip: " + reason(error));
  }
  bool fine = true;
  for (const auto& [name, content] : entries) {
    zip_source_t* source = zip_source_buffer(archive, content.data(), content.size(), 0);
    const zip_int64_t index = source ? zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8) : -1;
    if (index < 0 && source) zip_source_free(source);
    fine =
        fine && index >= 0 && zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0) == 0;
  }
  fine = fine && zip_close(archive) == 0;
  if (!fine) zip_discard(archive);
  std::string bytes;
  zip_stat_t stat;
  if (fine && zip_source_stat(target, &stat) == 0 && zip_source_open(target) == 0) {
    bytes.resize(stat.size);
    fine = zip_source_read(target, bytes.data(), bytes.size()) == static_cast<zip_int64_t>(bytes.size());
    zip_source_close(target);
  }
  zip_source_free(target);
  if (!fine || bytes.empty()) throw Error("zip: the archive can't be written");
  return bytes;
}

}  // namespace ocellus::io::keras
