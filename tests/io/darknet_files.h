// Small darknet networks as files.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include <ocellus/io/format.h>

#include "tensor/files.h"

namespace ocellus::testing_darknet {

/// A header of version 0.2.5 and the numbers.
inline std::string weights_file(const std::vector<float>& numbers) {
  std::string bytes("\0\0\0\0\2\0\0\0\5\0\0\0\7\0\0\0\0\0\0\0", 20);
  bytes.append(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float));
  return bytes;
}

/// 0.5, -0.25, 0.75 ...: numbers that differ and are exact.
inline std::vector<float> some_numbers(int64_t count) {
  std::vector<float> numbers;
  for (int64_t i = 0; i < count; ++i) numbers.push_back(static_cast<float>((i * 37 + 11) % 64 - 24) / 32);
  return numbers;
}

inline std::string net(int64_t channels, int64_t height, int64_t width) {
  return fmt::format("[net]\nchannels={}\nheight={}\nwidth={}\n", channels, height, width);
}

/// The network of a text and, unless there are none, numbers.
inline Model network(const std::string& cfg, const std::vector<float>& numbers = {}) {
  const testing_files::TemporaryFolder folder;
  testing_files::write_text(folder / "net.cfg", cfg);
  if (!numbers.empty()) testing_files::write_text(folder / "net.weights", weights_file(numbers));
  return io::read_model(folder / "net.cfg");
}

/// What the network makes of one sample of its input's shape with `some_numbers`.
inline std::vector<float> outputs_of(const Model& model) {
  const Shape shape = model.graph().inputs[0].shape().with(0, 1);
  const Tensor y = model.predict(Tensor::of(shape, some_numbers(shape.numel())));
  const auto values = y.as<float>();
  return {values.begin(), values.end()};
}

}  // namespace ocellus::testing_darknet
