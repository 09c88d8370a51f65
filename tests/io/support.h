// Real weights for the tests of formats.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include <ocellus/backend/backends.h>
#include <ocellus/model/model.h>
#include <ocellus/tensor/npy.h>

namespace testing_io {

/// A folder of real weights, beside the checkout or where OCELLUS_SHARED says.
inline std::filesystem::path weights(const std::string& name) {
  const char* shared = std::getenv("OCELLUS_SHARED");
  const std::filesystem::path base = shared ? shared : std::filesystem::path(OCELLUS_TEST_DATA) / "../../../shared";
  return base / "weights" / name;
}

/// The largest distance of two tensors' elements; fails for other shapes.
inline double largest_difference(const ocellus::Tensor& a, const ocellus::Tensor& b) {
  EXPECT_EQ(a.numel(), b.numel()) << a.shape().to_string() << " " << b.shape().to_string();
  double largest = 0;
  for (int64_t i = 0; i < a.numel() && i < b.numel(); ++i) largest = std::max(largest, std::abs(a.at(i) - b.at(i)));
  return largest;
}

/// Algorithms that need no measuring.
inline void use_fixed_algorithms(ocellus::Model& model) {
  model.set_backend(ocellus::make_backend("onednn", {.algorithms = ocellus::Algorithms::standard}));
}

}  // namespace testing_io

#define SKIP_WITHOUT(folder) \
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder
