#include "comparison.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include <fmt/format.h>

#include <ocellus/base/error.h>

namespace cli {
namespace {

using namespace ocellus;
namespace fs = std::filesystem;

/// The folder bench of the source tree that holds the build directory.
fs::path bench_above(const fs::path& build) {
  for (fs::path p = build; p != p.parent_path(); p = p.parent_path())
    if (fs::exists(p / "bench/compare.py")) return p / "bench";
  throw UsageError(
      fmt::format("--compare runs bench/compare.py of ocellus' source tree, and none is above {}: use the "
                  "program in the tree's build directory",
                  build.string()));
}

int run(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (const int error = posix_spawn(&child, arguments[0], nullptr, nullptr, arguments.data(), environ))
    throw IoError(words[0], "can't be started", error);
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw IoError(words[0], "is lost", errno);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

int run_comparison(const Comparison& c) {
  const fs::path build = fs::canonical("/proc/self/exe").parent_path().parent_path(), bench = bench_above(build);
  const fs::path python = bench / ".venv/bin/python";
  if (!fs::exists(python))
    throw UsageError(
        fmt::format("--compare measures against ONNX Runtime, OpenVINO, PyTorch and ncnn, which "
                    "bench/setup_peers.sh installs: {} does not exist yet",
                    python.string()));
  std::vector<std::string> words = {python.string(),
                                    (bench / "compare.py").string(),
                                    c.model + (c.train ? "-train" : "-predict"),
                                    "--build",
                                    build.string(),
                                    "--chart",
                                    c.chart.string()};
  if (c.threads > 0) words.insert(words.end(), {"--threads", std::to_string(c.threads)});
  const int code = run(std::move(words));
  if (code == 0) fmt::print("drawn in {}\n", c.chart.string());
  return code;
}

}  // namespace cli
