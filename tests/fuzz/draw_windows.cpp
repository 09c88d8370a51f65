// Windows that slide, resizing, and regions of interest.
#include <ocellus/ops/pool.h>
#include <ocellus/ops/resize.h>
#include <ocellus/ops/roi.h>

#include "fuzz/generator.h"

namespace ocellus::fuzz {

std::vector<int64_t> several(Generator& g, size_t count, int64_t low, int64_t high) {
  std::vector<int64_t> list(g.chance(0.5) ? 1 : count);
  for (int64_t& v : list) v = g.between(low, high);
  list.resize(count, list[0]);
  return list;
}

Window any_window(Generator& g, size_t spatial_dimensions, bool dilated) {
  Window w{.stride = several(g, spatial_dimensions, 1, g.chance(0.5) ? 1 : 3)};
  if (dilated && g.chance(0.2)) w.dilation = several(g, spatial_dimensions, 1, 2);
  if (g.chance(0.4))
    w.padding = Padding(several(g, spatial_dimensions, 0, 2), several(g, spatial_dimensions, 0, 2));
  else
    w.padding = g.one_of({valid, same, same, same_lower});
  return w;
}

namespace {

bool is_image(const Value& x) { return x.shape().rank() >= 3 && x.shape().rank() <= 5; }

ops::PoolConfig any_pool(Generator& g, const Value& x) {
  const size_t spatial_dimensions = x.shape().rank() - 2;
  ops::PoolConfig config{.kernel = several(g, spatial_dimensions, 1, 3),
                         .window = any_window(g, spatial_dimensions, false),
                         .ceil_mode = g.chance(0.3),
                         .count_include_pad = g.chance(0.3)};
  if (g.chance(0.4)) config.window.stride = {};
  return config;
}

Value max_pool(Generator& g, const Value& x) {
  if (!is_image(x)) return {};
  return ops::max_pool(x, any_pool(g, x));
}

Value average_pool(Generator& g, const Value& x) {
  if (!is_image(x)) return {};
  return ops::average_pool(x, any_pool(g, x));
}

Value pool_to_size(Generator& g, const Value& x) {
  if (!is_image(x)) return {};
  const std::vector<int64_t> size = several(g, x.shape().rank() - 2, 1, 3);
  switch (g.between(0, 3)) {
    case 0: return ops::global_average_pool(x);
    case 1: return ops::global_max_pool(x);
    case 2: return ops::adaptive_average_pool(x, size);
    default: return ops::adaptive_max_pool(x, size);
  }
}

Value resize(Generator& g, const Value& x) {
  if (!is_image(x)) return {};
  return ops::resize(x, {.size = several(g, x.shape().rank() - 2, 1, 8),
                         .mode = g.any_of<ResizeMode>(),
                         .coordinates = g.any_of<ResizeCoordinates>(),
                         .rounding = g.any_of<ResizeRounding>()});
}

Value regions(Generator& g, const Value& x) {
  if (x.shape().rank() != 4) return {};
  const int64_t count = g.between(1, 4);
  Tensor boxes(DType::f32, {count, 5});
  for (int64_t r = 0; r < count; ++r) {
    const auto row = boxes.as<float>().subspan(static_cast<size_t>(r) * 5, 5);
    row[0] = static_cast<float>(g.between(0, x.shape()[0] - 1));
    row[1] = static_cast<float>(g.real({0, 4}));
    row[2] = static_cast<float>(g.real({0, 4}));
    row[3] = row[1] + static_cast<float>(g.real({2, 12}));
    row[4] = row[2] + static_cast<float>(g.real({2, 12}));
  }
  const Value where = g.chance(0.5) ? constant(boxes) : g.input(boxes);
  const std::vector<int64_t> size = {g.between(1, 3), g.between(1, 3)};
  if (g.chance(0.4)) return ops::roi_pool(x, where, {.size = size, .scale = 0.5});
  return ops::roi_align(x, where,
                        {.size = size, .scale = 0.5, .sampling_ratio = g.between(0, 2), .aligned = g.chance(0.5)});
}

}  // namespace

std::vector<Choice> windows() {
  return {{4, max_pool}, {4, average_pool}, {4, pool_to_size}, {3, resize}, {1, regions}};
}

}  // namespace ocellus::fuzz
