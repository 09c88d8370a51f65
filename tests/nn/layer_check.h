// One harness for every layer: shapes, parameters and their names, sharing, freezing, learning, and errors that name it.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ocellus/nn/layer.h>

namespace ocellus::nn {

struct LayerCase {
  std::string title;
  std::function<std::unique_ptr<Layer>(std::string name)> make;
  std::vector<Shape> samples;  ///< of the inputs
  Shape output;                ///< of one sample
  std::vector<std::pair<std::string, Shape>> parameters = {};
  bool smooth = true;          ///< false: its gradient says nothing about a step of finite length
  /// Changes the normal numbers that input i is fed with: not every layer takes any number.
  std::function<void(size_t i, std::span<float> values)> adjust = {};
};

void layer_check(const LayerCase& c);

template <class L, class Config>
std::function<std::unique_ptr<Layer>(std::string)> maker(Config config) {
  return [config](std::string name) {
    Config named = config;
    named.name = std::move(name);
    return std::make_unique<L>(named);
  };
}

}  // namespace ocellus::nn
