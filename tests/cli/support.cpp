#include "support.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>

#include <ocellus/base/rng.h>

namespace ocellus::testing_cli {
namespace {

constexpr int side = 28, corner = 12;

std::string big_endian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

/// PNG's check sum (CRC-32 of IEEE 802.3), bit by bit.
uint32_t check_sum(std::string_view bytes) {
  uint32_t crc = ~uint32_t{0};
  for (const char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
  }
  return ~crc;
}

/// The environment of a user without settings: HOME is the test's folder, no OCELLUS_ variables.
std::vector<std::string> environment(const TemporaryFolder& folder) {
  std::vector<std::string> variables = {"HOME=" + folder.path().string(), "OCELLUS=" OCELLUS_CLI};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!text.starts_with("HOME=") && !text.starts_with("OCELLUS")) variables.emplace_back(text);
  }
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

void redirect(const char* path, int descriptor) {
  const int file = ::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0 || ::dup2(file, descriptor) < 0) ::_exit(126);
}

void write_digits(const std::filesystem::path& folder, const std::string& prefix, int count) {
  std::string pixels(static_cast<size_t>(count) * side * side, '\0'), labels;
  Rng rng = Rng(1).fork(prefix);
  for (int i = 0; i < count; ++i) {
    const int label = i % 4, left = label % 2 * (side - corner), top = label / 2 * (side - corner);
    labels.push_back(static_cast<char>(label));
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x) {
        const bool inside = x >= left && x < left + corner && y >= top && y < top + corner;
        pixels[static_cast<size_t>((i * side + y) * side + x)] =
            static_cast<char>((inside ? 60 : 0) + static_cast<int>(rng.below(160)));
      }
  }
  const auto n = static_cast<uint32_t>(count);
  write_text(folder / (prefix + "-images-idx3-ubyte"), idx_bytes({n, side, side}, pixels));
  write_text(folder / (prefix + "-labels-idx1-ubyte"), idx_bytes({n}, labels));
}

}  // namespace

Process::Process(const TemporaryFolder& folder, const Arguments& command)
    : out_(folder / "stdout.txt"), err_(folder / "stderr.txt") {
  std::vector<std::string> words = command, variables = environment(folder);
  const std::vector<char*> argv = pointers(words), envp = pointers(variables);
  pid_ = ::fork();
  if (pid_ != 0) return;
  redirect(out_.c_str(), STDOUT_FILENO);
  redirect(err_.c_str(), STDERR_FILENO);
  if (::chdir(folder.path().c_str()) == 0) ::execve(argv[0], argv.data(), envp.data());
  ::_exit(127);
}

Process::~Process() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Process::send(int signal) const { ASSERT_EQ(::kill(pid_, signal), 0); }

Outcome Process::wait() {
  int status = 0;
  if (pid_ <= 0 || ::waitpid(pid_, &status, 0) != pid_) {
    ADD_FAILURE() << "no process to wait for";
    return {};
  }
  pid_ = -1;
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_text(out_), read_text(err_)};
}

Outcome run(const TemporaryFolder& folder, Arguments arguments) {
  arguments.insert(arguments.begin(), OCELLUS_CLI);
  return Process(folder, arguments).wait();
}

Outcome run_shell(const TemporaryFolder& folder, const std::string& line) {
  return Process(folder, {"/bin/bash", "-c", line}).wait();
}

bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

void expect_failure(const Outcome& outcome, int code, const std::vector<std::string>& texts) {
  EXPECT_EQ(outcome.code, code) << outcome.err;
  EXPECT_THAT(outcome.err, testing::StartsWith("ocellus: "));
  EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
  EXPECT_THAT(outcome.err, testing::EndsWith("\n"));
  for (const std::string& text : texts) EXPECT_THAT(outcome.err, testing::HasSubstr(text));
}

std::string idx_bytes(const std::vector<uint32_t>& dims, std::string_view values) {
  std::string bytes = {0, 0, 8, static_cast<char>(dims.size())};
  for (const uint32_t dim : dims) bytes += big_endian(dim);
  return bytes.append(values);
}

void write_corners(const std::filesystem::path& folder, int train, int test) {
  std::filesystem::create_directories(folder);
  write_digits(folder, "train", train);
  write_digits(folder, "t10k", test);
}

std::string png_of(uint32_t width, uint32_t height) {
  const auto chunk = [](const std::string& type, const std::string& data) {
    return big_endian(static_cast<uint32_t>(data.size())) + type + data + big_endian(check_sum(type + data));
  };
  const std::string grey_of_8_bits({8, 0, 0, 0, 0});
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", big_endian(width) + big_endian(height) + grey_of_8_bits) +
         chunk("IDAT", "") + chunk("IEND", "");
}

std::string safetensors_bytes(std::string_view header, std::string_view data) {
  std::string bytes(8, '\0');
  const uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes.append(header).append(data);
}

}  // namespace ocellus::testing_cli
