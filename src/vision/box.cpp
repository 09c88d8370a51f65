// Overlaps are computed in double, where the area of no f32 box overflows or vanishes: a box has an IoU of exactly 1 with
// itself, however tiny or huge.

#include <ocellus/vision/box.h>

#include <algorithm>

#include <fmt/format.h>

#include <ocellus/base/error.h>

namespace ocellus::vision {
namespace {

/// Length of [begin, end], 0 where it is none or not finite.
double length(float begin, float end, Extent extent) {
  const double size = double(end) - double(begin) + (extent == Extent::inclusive ? 1 : 0);
  return std::isfinite(size) && end >= begin ? size : 0;
}

float clamp(float x, float high) { return x < 0 ? 0 : x > high ? high : x; }

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

void expect_area(const Box& box, const char* what) {
  if (area(box) > 0) return;
  throw UsageError(
      fmt::format("{} [{}, {}, {}, {}] has no area: it has no offsets", what, box.x1, box.y1, box.x2, box.y2));
}

/// Logarithm of a ratio of sizes, in a coding's units.
float log_ratio(float size, float anchor, float divisor) {
  return static_cast<float>(std::log(double(size) / double(anchor)) / double(divisor));
}

float scaled(float anchor, float offset, const OffsetCoding& coding) {
  return static_cast<float>(double(anchor) *
                            std::min(std::exp(double(offset) * double(coding.size)), double(coding.max_ratio)));
}

}  // namespace

double area(const Box& box, Extent extent) { return length(box.x1, box.x2, extent) * length(box.y1, box.y2, extent); }

double intersection(const Box& a, const Box& b, Extent extent) {
  if (!(area(a, extent) > 0 && area(b, extent) > 0)) return 0;
  const Box common = {std::max(a.x1, b.x1), std::max(a.y1, b.y1), std::min(a.x2, b.x2), std::min(a.y2, b.y2)};
  return area(common, extent);
}

double iou(const Box& a, const Box& b, Extent extent) {
  const double both = intersection(a, b, extent);
  return both > 0 ? both / (area(a, extent) + area(b, extent) - both) : 0;
}

Box clip(const Box& box, float width, float height) {
  return {clamp(box.x1, width), clamp(box.y1, height), clamp(box.x2, width), clamp(box.y2, height)};
}

CentreBox centre_of(const Box& box) {
  return {box.x1 + (box.x2 - box.x1) / 2, box.y1 + (box.y2 - box.y1) / 2, box.x2 - box.x1, box.y2 - box.y1};
}

Box corners_of(const CentreBox& box) {
  return {box.x - box.width / 2, box.y - box.height / 2, box.x + box.width / 2, box.y + box.height / 2};
}

Offsets encode(const Box& box, const Box& anchor, const OffsetCoding& coding) {
  expect_area(box, "box");
  expect_area(anchor, "anchor");
  const CentreBox b = centre_of(box), a = centre_of(anchor);
  return {(b.x - a.x) / a.width / coding.centre, (b.y - a.y) / a.height / coding.centre,
          log_ratio(b.width, a.width, coding.size), log_ratio(b.height, a.height, coding.size)};
}

Box decode(const Offsets& offsets, const Box& anchor, const OffsetCoding& coding) {
  const CentreBox a = centre_of(anchor);
  return corners_of({a.x + offsets.x * coding.centre * a.width, a.y + offsets.y * coding.centre * a.height,
                     scaled(a.width, offsets.width, coding), scaled(a.height, offsets.height, coding)});
}

CentreBox decode(const Offsets& raw, const YoloCell& cell) {
  const auto centre = [&](float x, int at, int count) {
    const double s = double(cell.scale_xy);
    return static_cast<float>((at + s * sigmoid(double(x)) - (s - 1) / 2) / count);
  };
  return {centre(raw.x, cell.column, cell.columns), centre(raw.y, cell.row, cell.rows),
          static_cast<float>(double(cell.prior_width) * std::exp(double(raw.width))),
          static_cast<float>(double(cell.prior_height) * std::exp(double(raw.height)))};
}

}  // namespace ocellus::vision
