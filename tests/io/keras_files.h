// Small Keras files for tests, made by our own writers and then damaged.
#pragma once

#include <filesystem>
#include <string>

#include <ocellus/base/error.h>
#include <ocellus/io/format.h>
#include <ocellus/zoo/zoo.h>

namespace testing_io {

/// What reading a file is refused with, or "" where it is read.
inline std::string refusal(const std::filesystem::path& path) {
  try {
    ocellus::io::read_model(path);
  } catch (const ocellus::Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace testing_io
