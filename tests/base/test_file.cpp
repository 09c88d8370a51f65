#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include <ocellus/base/file.h>

#include "tensor/files.h"

namespace ocellus {
namespace {

namespace fs = std::filesystem;
using testing_files::read_text;
using testing_files::TemporaryFolder;
using testing_files::write_text;

/// The number of a process that has ended.
std::string dead_process() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return std::to_string(child);
}

TEST(File, a_write_replaces_the_whole_file_and_leaves_nothing_else) {
  const TemporaryFolder folder;
  write_atomically(folder / "m", "a longer text");
  write_atomically(folder / "m", "short");
  EXPECT_EQ(read_text(folder / "m"), "short");
  EXPECT_EQ(folder.files(), 1u);
}

TEST(File, an_error_while_writing_keeps_the_old_file_and_removes_the_new_one) {
  const TemporaryFolder folder;
  write_atomically(folder / "m", "old");
  EXPECT_THROW(write_atomically(folder / "m", [](ByteSink&) { throw UsageError("no"); }), UsageError);
  EXPECT_EQ(read_text(folder / "m"), "old");
  EXPECT_EQ(folder.files(), 1u);
}

TEST(File, a_killed_writers_temporary_goes_with_the_next_write_to_that_path) {
  const TemporaryFolder folder;
  write_text(folder / "m", "old");
  const pid_t child = ::fork();
  if (child == 0) {
    write_atomically(folder / "m", [](ByteSink&) { ::kill(::getpid(), SIGKILL); });
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  const fs::path left = folder / ("m.tmp" + std::to_string(child));
  ASSERT_TRUE(fs::exists(left));
  EXPECT_EQ(read_text(folder / "m"), "old");
  write_atomically(folder / "other", "x");
  EXPECT_TRUE(fs::exists(left));
  write_atomically(folder / "m", "new");
  EXPECT_FALSE(fs::exists(left));
  EXPECT_EQ(read_text(folder / "m"), "new");
}

TEST(File, nothing_else_is_taken_for_a_stale_temporary) {
  const TemporaryFolder folder;
  const std::string dead = dead_process(), of_folder = dead_process(), of_link = dead_process();
  const std::vector<std::string> names = {"m.tmp",
                                          "m.tmp0",
                                          "m.tmp-" + dead,
                                          "m.tmp0" + dead,
                                          "m.tmp" + dead + "x",
                                          "m.tmp" + dead + ".bak",
                                          "m.tmp99999999999999999999",
                                          "m.tmp" + std::to_string(::getppid()),  // lives
                                          "mm.tmp" + dead,
                                          "n.tmp" + dead};
  for (const std::string& name : names) write_text(folder / name, "mine");
  fs::create_directory(folder / ("m.tmp" + of_folder));
  fs::create_symlink(folder / "m.tmp", folder / ("m.tmp" + of_link));
  write_text(folder / ("m.tmp" + dead), "stale");
  write_atomically(folder / "m", "new");
  for (const std::string& name : names) EXPECT_TRUE(fs::exists(folder / name)) << name;
  EXPECT_TRUE(fs::is_directory(folder / ("m.tmp" + of_folder)));
  EXPECT_TRUE(fs::is_symlink(folder / ("m.tmp" + of_link)));
  EXPECT_FALSE(fs::exists(folder / ("m.tmp" + dead)));
}

}  // namespace
}  // namespace ocellus
