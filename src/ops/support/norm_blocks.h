// What sample_norm normalises together, in numbers. In row-major order every block is one run of elements.
#pragma once

#include <ocellus/ops/sample_norm.h>

namespace ocellus::detail {

/// Block b is [b * size, (b + 1) * size). Its element i has parameter number `parameter(b, i / run)`: `run` neighbours
/// share one.
struct BlockView {
  BlockView(NormBlocks blocks, int64_t count, const Shape& x) {
    if (blocks == NormBlocks::groups) {
      groups = count;
      for (size_t i = 2; i < x.rank(); ++i) run *= x[i];
      size = x[1] / groups * run;
      blocks_ = x[0] * groups;
    } else {
      const size_t leading = x.rank() - static_cast<size_t>(count);
      for (size_t i = 0; i < x.rank(); ++i) (i < leading ? blocks_ : size) *= x[i];
    }
  }

  int64_t total() const { return blocks_; }
  int64_t runs() const { return size / run; }  ///< of a block
  int64_t parameters() const { return groups * runs(); }
  int64_t parameter(int64_t block, int64_t r) const { return block % groups * runs() + r; }

  int64_t groups = 1;  ///< after so many blocks the parameters begin anew
  int64_t size = 1, run = 1;

 private:
  int64_t blocks_ = 1;
};

}  // namespace ocellus::detail
