// Plan: what the passes make of a graph before it is lowered. Steps over buffers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ocellus/engine/program.h>

#include "engine/kernel.h"

namespace ocellus {

inline constexpr int none = -1;

/// A value in memory, in one layout.
struct Buffer {
  enum class Place : uint8_t {
    arena,      ///< live between the first and the last step that touches it
    input,      ///< written by the caller
    parameter,  ///< a parameter's storage
    constant,   ///< a tensor of the graph
    kept,       ///< computed from parameters alone: survives from run to run
    packing     ///< computed from parameters alone, and read only by steps that are: live among these
  };
  Place place = Place::arena;
  TensorType type;
  LayoutPtr layout;
  size_t bytes = 0;
  int alias = none;        ///< buffer whose memory this one is (a view, or computed in place), or a part of
  size_t alias_offset = 0; ///< where in that buffer this one begins, in bytes
  ParameterPtr parameter;  ///< for Place::parameter
  Tensor tensor;           ///< for Place::constant and Place::input
  size_t offset = 0;       ///< within the arena, or within the one for packing
};

/// One kernel over buffers.
struct Step {
  std::shared_ptr<const Node> node;  ///< null for a reorder
  std::string layer;
  KernelPlan kernel;
  std::vector<Refusal> refusals;
  std::vector<int> inputs, outputs;  ///< buffers; `none` for an output that nobody reads
  int scratch = none;
  bool again = false;                ///< repeats an earlier step, whose results were not kept
  bool once = false;                 ///< depends on parameters alone: runs when these have changed
};

struct Plan {
  std::vector<Buffer> buffers;
  std::vector<Step> steps;
  std::vector<int> inputs, outputs;
  std::vector<std::pair<ParameterPtr, int>> updates;
  std::vector<ParameterPtr> parameters;
  size_t arena_bytes = 0;
  size_t live_bytes = 0;
  size_t packing_bytes = 0;

  /// The buffer whose memory `b` is in.
  int root(int b) const {
    while (buffers[static_cast<size_t>(b)].alias != none) b = buffers[static_cast<size_t>(b)].alias;
    return b;
  }
  /// Where in that memory it begins, in bytes.
  size_t offset_in_root(int b) const {
    size_t offset = 0;
    for (; buffers[static_cast<size_t>(b)].alias != none; b = buffers[static_cast<size_t>(b)].alias)
      offset += buffers[static_cast<size_t>(b)].alias_offset;
    return offset;
  }
  bool in_arena(int b) const { return buffers[static_cast<size_t>(root(b))].place == Buffer::Place::arena; }
};

}  // namespace ocellus
