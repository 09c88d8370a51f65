// builtin:digits: digits drawn by the library itself, for a first training run that needs no file.
#pragma once

#include <vector>

#include <ocellus/base/export.h>
#include <ocellus/data/dataset.h>
#include <ocellus/data/image.h>

namespace ocellus::data {

struct DigitsConfig {
  Split split = Split::train;
  int64_t count = 0;  ///< samples; 0: 20,000 for training, 4,000 for the other parts
  uint64_t seed = 0;  ///< another seed, other digits; parts of one seed never share a digit
};

/// Digits like MNIST's, u8 [1,28,28], white on black, with labels i32 that go round from 0 to 9. Sample i depends on
/// (seed, split, i) alone. They are drawn at once and kept in memory.
OCELLUS_API InMemory digits(const DigitsConfig& config = {});

/// One digit of 28x28 grey pixels: a Hershey face of some slant and stroke width, warped, blurred, with noise.
OCELLUS_API Image render_digit(int digit, Rng& rng);

struct PageConfig {
  int rows = 8, columns = 12;
  int gap = 6;        ///< pixels around each cell
  uint64_t seed = 0;  ///< pages share no digit with the data set of the same seed
};

/// A page of digits and what is on it, row by row.
struct Page {
  Image image;              ///< grey, white on black
  std::vector<Rect> cells;  ///< where each digit's 28x28 pixels are
  std::vector<int> labels;
};

/// Draws a page of random digits in a grid.
OCELLUS_API Page render_page(const PageConfig& config = {});

}  // namespace ocellus::data
