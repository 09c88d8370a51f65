// What the host operators of this folder share: checks of their inputs, and rows of corners as boxes.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ocellus/base/error.h>
#include <ocellus/graph/value.h>
#include <ocellus/vision/box.h>

namespace ocellus::vision {

/// Throws TypeError unless `type` is f32; `what` names it: "scores".
inline void expect_real(const TensorType& type, std::string_view what) {
  if (type.dtype != DType::f32) throw TypeError(std::string(what) + " must be f32, got " + to_string(type));
}

/// Box i of rows of four corners.
inline Box box_at(std::span<const float> corners, size_t i) {
  return {corners[4 * i], corners[4 * i + 1], corners[4 * i + 2], corners[4 * i + 3]};
}
inline std::vector<Box> boxes_of(std::span<const float> corners) {
  std::vector<Box> boxes(corners.size() / 4);
  for (size_t i = 0; i < boxes.size(); ++i) boxes[i] = box_at(corners, i);
  return boxes;
}

/// Writes box i into rows of four corners.
inline void put_box(const Box& box, std::span<float> corners, size_t i) {
  corners[4 * i] = box.x1;
  corners[4 * i + 1] = box.y1;
  corners[4 * i + 2] = box.x2;
  corners[4 * i + 3] = box.y2;
}

}  // namespace ocellus::vision
