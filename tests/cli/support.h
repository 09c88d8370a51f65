// Help for tests that run the program: a process with its output, exit code and signals, and small data sets on disk.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/types.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tensor/files.h"

namespace ocellus::testing_cli {

using testing_files::read_text;
using testing_files::TemporaryFolder;
using testing_files::write_text;

using Arguments = std::vector<std::string>;

/// What a program left behind; `code` is 128 + the signal when one ended it.
struct Outcome {
  int code = -1;
  std::string out, err;
};

/// A program that runs in the background, in a folder that is its HOME as well. The destructor kills what still runs.
class Process {
 public:
  Process(const TemporaryFolder& folder, const Arguments& command);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void send(int signal) const;
  Outcome wait();

 private:
  std::filesystem::path out_, err_;
  pid_t pid_ = -1;
};

/// Runs the ocellus program to its end.
Outcome run(const TemporaryFolder& folder, Arguments arguments);

/// Runs a line of shell, in which $OCELLUS is the program, to its end.
Outcome run_shell(const TemporaryFolder& folder, const std::string& line);

/// Whether the condition becomes true within half a minute.
bool eventually(const std::function<bool()>& condition);

/// The program failed with this code, said so in exactly one line, and the line holds all these texts.
void expect_failure(const Outcome& outcome, int code, const std::vector<std::string>& texts);

/// One file of IDX bytes of the given dimensions. Their product need not be what `values` has.
std::string idx_bytes(const std::vector<uint32_t>& dims, std::string_view values);

/// Four classes of 28x28 images, a bright square in one of the corners among noise, as MNIST's four files.
void write_corners(const std::filesystem::path& folder, int train, int test);

/// A PNG file whose header claims that size, sound in form and without a single pixel.
std::string png_of(uint32_t width, uint32_t height);

/// A safetensors file from its JSON and data, right or wrong.
std::string safetensors_bytes(std::string_view header, std::string_view data);

}  // namespace ocellus::testing_cli
