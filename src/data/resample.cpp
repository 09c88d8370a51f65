// All of these rules are separable: every output row or column is a weighted sum of some neighbouring ones of the input. So a
// rule is a table of such weights, and resizing is a pass along the rows, then one down the columns; a pass that would change
// no size is left out. On bytes the order shows: since release 13 Pillow goes down the columns first where that takes away
// much more.
//
// Pillow's weights are its filter, stretched by the factor of shrinking, at the pixels' centres, and normalised to a sum of 1.
// On bytes it computes with integers: weights are rounded to multiples of 2^-22 (of 32 bits 8 are the byte's and 2 are spare),
// half is added to each sum, and what is between the passes is rounded to bytes and clamped as well. PyTorch's antialiased rules
// are the same sums in floats; its others sample 2 or 4 neighbours and repeat the border.
#include "data/resample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ocellus/base/error.h>

namespace ocellus::data {
namespace {

constexpr int precision = 32 - 8 - 2;

/// For each output element the first input element and `taps` weights, some at the end perhaps 0.
struct Table {
  int taps = 1;
  std::vector<int> first;
  std::vector<double> weights;
};

double sinc(double x) { return x == 0 ? 1 : std::sin(x * std::numbers::pi) / (x * std::numbers::pi); }

/// Keys 1981, "Cubic convolution interpolation for digital image processing"; a is -1/2 in Pillow, -3/4 in PyTorch and OpenCV.
double cubic(double x, double a) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

struct Filter {
  double support;
  double (*value)(double x);
};

Filter filter_of(Interpolation rule) {
  switch (rule) {
    case Interpolation::pillow_box: return {0.5, [](double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }};
    case Interpolation::pillow_hamming:
      return {1, [](double x) {
                x = std::abs(x);
                return x >= 1 ? 0 : sinc(x) * (0.54 + 0.46 * std::cos(x * std::numbers::pi));
              }};
    case Interpolation::pillow_bicubic:
    case Interpolation::torch_bicubic_smooth: return {2, [](double x) { return cubic(x, -0.5); }};
    case Interpolation::pillow_lanczos:
      return {3, [](double x) { return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0; }};
    default: return {1, [](double x) { return std::max(0.0, 1 - std::abs(x)); }};
  }
}

Table antialiased(const Filter& filter, int in, int out) {
  const double scale = static_cast<double>(in) / out, stretch = std::max(scale, 1.0);
  const double support = filter.support * stretch;
  Table table{.taps = std::min(in, static_cast<int>(std::ceil(support)) * 2 + 1), .first = {}, .weights = {}};
  for (int i = 0; i < out; ++i) {
    const double centre = (i + 0.5) * scale;
    const int begin = std::max(0, static_cast<int>(centre - support + 0.5));
    const int end = std::min(in, static_cast<int>(centre + support + 0.5));
    table.first.push_back(begin);
    const size_t row = table.weights.size();
    table.weights.resize(row + static_cast<size_t>(table.taps));
    double sum = 0;
    for (int k = 0; k < end - begin; ++k)
      sum += table.weights[row + static_cast<size_t>(k)] = filter.value((k + begin - centre + 0.5) * (1 / stretch));
    for (int k = 0; k < end - begin && sum != 0; ++k) table.weights[row + static_cast<size_t>(k)] /= sum;
  }
  return table;
}

/// `count` neighbours around a place between pixels, the border repeated.
Table sampled(int in, int out, bool aligned, int count) {
  Table table{.taps = std::min(in, count), .first = {}, .weights = {}};
  const double scale =
      aligned ? (out > 1 ? static_cast<double>(in - 1) / (out - 1) : 0) : static_cast<double>(in) / out;
  for (int i = 0; i < out; ++i) {
    double place = aligned ? i * scale : (i + 0.5) * scale - 0.5;
    if (count == 2) place = std::max(place, 0.0);
    const int floor = static_cast<int>(std::floor(place));
    const double t = place - floor;
    const int begin = floor - count / 2 + 1, first = std::clamp(begin, 0, in - table.taps);
    table.first.push_back(first);
    const size_t row = table.weights.size();
    table.weights.resize(row + static_cast<size_t>(table.taps));
    for (int k = 0; k < count; ++k) {
      const double weight = count == 2 ? (k == 0 ? 1 - t : t) : cubic(t + count / 2 - 1 - k, -0.75);
      table.weights[row + static_cast<size_t>(std::clamp(begin + k, 0, in - 1) - first)] += weight;
    }
  }
  return table;
}

Table picked(int in, int out, auto index) {
  Table table{.taps = 1, .first = {}, .weights = std::vector<double>(static_cast<size_t>(out), 1)};
  for (int i = 0; i < out; ++i) table.first.push_back(std::clamp(static_cast<int>(index(i)), 0, in - 1));
  return table;
}

/// Means of the elements that an output element covers at all.
Table averaged(int in, int out) {
  Table table{.taps = std::min(in, in / out + 2), .first = {}, .weights = {}};
  for (int64_t i = 0; i < out; ++i) {
    const int64_t begin = i * in / out, end = ((i + 1) * in + out - 1) / out;
    table.first.push_back(static_cast<int>(begin));
    for (int64_t k = 0; k < table.taps; ++k)
      table.weights.push_back(k < end - begin ? 1 / static_cast<double>(end - begin) : 0);
  }
  return table;
}

Table table_of(Interpolation rule, int in, int out) {
  const double scale = static_cast<double>(in) / out;
  const float narrow = static_cast<float>(in) / static_cast<float>(out);  // PyTorch picks in floats
  switch (rule) {
    case Interpolation::pillow_nearest: {
      double place = scale * 0.5 - scale;  // Pillow adds up its steps
      return picked(in, out, [&](int) { return place += scale; });
    }
    case Interpolation::torch_nearest: return picked(in, out, [&](int i) { return static_cast<float>(i) * narrow; });
    case Interpolation::torch_nearest_exact:
      return picked(in, out, [&](int i) { return (static_cast<float>(i) + 0.5f) * narrow; });
    case Interpolation::torch_bilinear: return sampled(in, out, false, 2);
    case Interpolation::torch_bilinear_aligned: return sampled(in, out, true, 2);
    case Interpolation::torch_bicubic: return sampled(in, out, false, 4);
    case Interpolation::torch_bicubic_aligned: return sampled(in, out, true, 4);
    case Interpolation::torch_area: return averaged(in, out);
    default: return antialiased(filter_of(rule), in, out);
  }
}

bool is_pillows(Interpolation rule) {
  return rule >= Interpolation::pillow_nearest && rule <= Interpolation::pillow_lanczos;
}

/// Integer arithmetic on bytes: Pillow's.
struct Fixed {
  using Weight = int32_t;
  using Sum = int32_t;
  static Weight weight(double w) { return static_cast<int32_t>((w < 0 ? -0.5 : 0.5) + w * (1 << precision)); }
  static constexpr Sum start = 1 << (precision - 1);
  static void store(Sum sum, uint8_t& to) { to = static_cast<uint8_t>(std::clamp(sum >> precision, 0, 255)); }
};

struct Real {
  using Weight = double;
  using Sum = double;
  static Weight weight(double w) { return w; }
  static constexpr Sum start = 0;
  static void store(Sum sum, float& to) { to = static_cast<float>(sum); }
  static void store(Sum sum, uint8_t& to) {
    to = static_cast<uint8_t>(std::clamp(std::nearbyint(static_cast<float>(sum)), 0.f, 255.f));
  }
};

/// Along one dimension: `outer` blocks of in x inner elements become blocks of out x inner.
struct Line {
  size_t outer, inner;
  int in, out;
};

template <class Arithmetic, class From, class To>
void pass(const Line& line, const Table& table, const From* in, To* out) {
  std::vector<typename Arithmetic::Weight> weights;
  for (const double w : table.weights) weights.push_back(Arithmetic::weight(w));
  const auto taps = static_cast<size_t>(table.taps);
  // Taps beyond the end have no weight, and no element either.
  std::vector<typename Arithmetic::Sum> sums(line.inner);
  for (size_t block = 0; block < line.outer; ++block)
    for (size_t i = 0; i < static_cast<size_t>(line.out); ++i) {
      std::ranges::fill(sums, Arithmetic::start);
      const auto first = static_cast<size_t>(table.first[i]);
      const size_t count = std::min(taps, static_cast<size_t>(line.in) - first);
      for (size_t k = 0; k < count; ++k) {
        const auto weight = weights[i * taps + k];
        const From* row = in + (block * static_cast<size_t>(line.in) + first + k) * line.inner;
        for (size_t j = 0; j < line.inner; ++j) sums[j] += static_cast<typename Arithmetic::Sum>(row[j]) * weight;
      }
      To* row = out + (block * static_cast<size_t>(line.out) + i) * line.inner;
      for (size_t j = 0; j < line.inner; ++j) Arithmetic::store(sums[j], row[j]);
    }
}

/// Pillow's condition.
bool goes_down_first(const Extents& from, const Extents& to, Interpolation rule) {
  const int lost = from.height - to.height;
  return is_pillows(rule) && lost > 0 && lost > 2 * (from.width - to.width);
}

/// Both passes, with elements of type Between in the middle.
template <class Arithmetic, class Between, class T>
void both(const Extents& from, const T* in, const Extents& to, T* out, Interpolation rule) {
  const auto channels = static_cast<size_t>(from.channels);
  const bool down_first = goes_down_first(from, to, rule);
  const size_t rows = static_cast<size_t>(down_first ? to.height : from.height);
  const size_t columns = static_cast<size_t>(down_first ? from.width : to.width);
  const Line across = {.outer = rows, .inner = channels, .in = from.width, .out = to.width};
  const Line down = {.outer = 1, .inner = channels * columns, .in = from.height, .out = to.height};
  if (from.height == to.height && from.width == to.width)
    return void(std::copy_n(in, rows * channels * static_cast<size_t>(from.width), out));
  const auto x = [&] { return table_of(rule, from.width, to.width); };
  const auto y = [&] { return table_of(rule, from.height, to.height); };
  if (from.height == to.height) return pass<Arithmetic>(across, x(), in, out);
  if (from.width == to.width) return pass<Arithmetic>(down, y(), in, out);
  std::vector<Between> middle(rows * columns * channels);
  if (down_first) {
    pass<Arithmetic>(down, y(), in, middle.data());
    pass<Arithmetic>(across, x(), middle.data(), out);
  } else {
    pass<Arithmetic>(across, x(), in, middle.data());
    pass<Arithmetic>(down, y(), middle.data(), out);
  }
}

constexpr std::array<std::string_view, 20> names = {"nearest",
                                                    "bilinear",
                                                    "area",
                                                    "bicubic",
                                                    "lanczos4",
                                                    "pillow_nearest",
                                                    "pillow_box",
                                                    "pillow_bilinear",
                                                    "pillow_hamming",
                                                    "pillow_bicubic",
                                                    "pillow_lanczos",
                                                    "torch_nearest",
                                                    "torch_nearest_exact",
                                                    "torch_bilinear",
                                                    "torch_bilinear_aligned",
                                                    "torch_bilinear_smooth",
                                                    "torch_bicubic",
                                                    "torch_bicubic_aligned",
                                                    "torch_bicubic_smooth",
                                                    "torch_area"};

}  // namespace

void resample(const Extents& from, const uint8_t* in, const Extents& to, uint8_t* out, Interpolation rule) {
  if (is_pillows(rule))
    both<Fixed, uint8_t>(from, in, to, out, rule);
  else
    both<Real, float>(from, in, to, out, rule);
}

void resample(const Extents& from, const float* in, const Extents& to, float* out, Interpolation rule) {
  both<Real, float>(from, in, to, out, rule);
}

std::string_view to_string(Interpolation interpolation) { return names[static_cast<size_t>(interpolation)]; }

Interpolation interpolation_from_string(std::string_view name) {
  const auto it = std::ranges::find(names, name);
  if (it == names.end())
    throw UsageError(fmt::format("unknown interpolation '{}': one of {}", name, fmt::join(names, ", ")));
  return static_cast<Interpolation>(it - names.begin());
}

}  // namespace ocellus::data
