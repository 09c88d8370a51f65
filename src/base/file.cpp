#include <ocellus/base/file.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>
#include <vector>

#include <ocellus/base/error.h>

namespace ocellus {
namespace {

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags, mode_t mode, const char* action)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {
    if (fd_ < 0) throw IoError(path.string(), action, errno);
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int close() {
    const int result = ::close(fd_);
    fd_ = -1;
    return result;
  }

 private:
  int fd_;
};

struct stat regular_file(const Descriptor& file, const std::filesystem::path& path) {
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) throw IoError(path.string(), "can't be examined", errno);
  if (S_ISDIR(info.st_mode)) throw IoError(path.string(), "is a folder, not a file");
  return info;
}

/// Collects small writes and hands them to the descriptor in large ones.
class FileSink final : public ByteSink {
 public:
  FileSink(int fd, const std::filesystem::path& path) : fd_(fd), path_(path) { buffer_.reserve(capacity); }

  void write(const void* data, size_t bytes) override {
    if (buffer_.size() + bytes > capacity) flush();
    if (bytes >= capacity) {
      put(static_cast<const char*>(data), bytes);
      return;
    }
    const char* begin = static_cast<const char*>(data);
    buffer_.insert(buffer_.end(), begin, begin + bytes);
  }

  void flush() {
    put(buffer_.data(), buffer_.size());
    buffer_.clear();
  }

 private:
  static constexpr size_t capacity = size_t{1} << 20;

  void put(const char* data, size_t bytes) {
    while (bytes > 0) {
      const ssize_t n = ::write(fd_, data, bytes);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) throw IoError(path_.string(), "can't be written", errno);
      data += n;
      bytes -= static_cast<size_t>(n);
    }
  }

  int fd_;
  const std::filesystem::path& path_;
  std::vector<char> buffer_;
};

/// Removes the temporary file unless the rename succeeded.
struct Leftover {
  std::filesystem::path path;
  ~Leftover() {
    if (!path.empty()) ::unlink(path.c_str());
  }
};

constexpr std::string_view temporary_mark = ".tmp";

/// What a writer of `path` names its temporary file.
std::filesystem::path temporary_of(const std::filesystem::path& path, pid_t writer) {
  std::filesystem::path temporary = path;
  temporary += std::string(temporary_mark) + std::to_string(writer);
  return temporary;
}

/// Removes temporary files of `path` whose writers were killed: no other names, nothing but regular files, and none whose
/// process may still live. It is a courtesy: what can't be removed stays.
void remove_stale_temporaries(const std::filesystem::path& path, const std::filesystem::path& folder) {
  const std::string begin = path.filename().string() + std::string(temporary_mark);
  std::error_code error;
  std::vector<std::filesystem::path> stale;
  std::filesystem::directory_iterator it(folder, error);
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with(begin)) continue;
    pid_t writer = 0;
    std::from_chars(name.data() + begin.size(), name.data() + name.size(), writer);
    if (writer <= 0 || name != temporary_of(path, writer).filename().string()) continue;
    std::error_code unknown;
    if (!std::filesystem::is_regular_file(it->symlink_status(unknown))) continue;
    if (::kill(writer, 0) != 0 && errno == ESRCH) stale.push_back(it->path());
  }
  for (const auto& temporary : stale) ::unlink(temporary.c_str());
}

}  // namespace

ByteSink::~ByteSink() = default;

std::string read_file(const std::filesystem::path& path, uint64_t max_bytes) {
  const Descriptor file(path, O_RDONLY, 0, "can't be opened");
  const auto info = regular_file(file, path);
  const auto too_large = [&] {
    return IoError(path.string(), "is larger than the " + std::to_string(max_bytes) + " bytes that are read");
  };
  if (static_cast<uint64_t>(info.st_size) > max_bytes) throw too_large();
  std::string content(static_cast<size_t>(info.st_size) + 1, '\0');
  size_t used = 0;
  for (;;) {
    if (used == content.size()) content.resize(content.size() * 2);
    const ssize_t n = ::read(file.get(), content.data() + used, content.size() - used);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw IoError(path.string(), "can't be read", errno);
    if (n == 0) break;
    used += static_cast<size_t>(n);
    if (used > max_bytes) throw too_large();
  }
  content.resize(used);
  return content;
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Descriptor file(path, O_RDONLY, 0, "can't be opened");
  const auto info = regular_file(file, path);
  size_ = static_cast<size_t>(info.st_size);
  if (size_ == 0) return;
  void* data = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file.get(), 0);
  if (data == MAP_FAILED) throw IoError(path.string(), "can't be mapped", errno);
  data_ = static_cast<const std::byte*>(data);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void write_atomically(const std::filesystem::path& path, const std::function<void(ByteSink&)>& fill) {
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  remove_stale_temporaries(path, folder);
  const std::filesystem::path temporary = temporary_of(path, ::getpid());
  Descriptor file(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0644, "can't be created");
  Leftover leftover{temporary};
  FileSink sink(file.get(), path);
  fill(sink);
  sink.flush();
  if (::fsync(file.get()) != 0) throw IoError(path.string(), "can't be flushed to disk", errno);
  if (file.close() != 0) throw IoError(path.string(), "can't be closed", errno);
  if (::rename(temporary.c_str(), path.c_str()) != 0) throw IoError(path.string(), "can't be replaced", errno);
  leftover.path.clear();
  const Descriptor directory(folder, O_RDONLY | O_DIRECTORY, 0, "can't be opened");
  ::fsync(directory.get());
}

void write_atomically(const std::filesystem::path& path, std::string_view content) {
  write_atomically(path, [&](ByteSink& sink) { sink.write(content); });
}

}  // namespace ocellus
