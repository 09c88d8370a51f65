#include <ocellus/vision/average_precision.h>

#include <algorithm>
#include <cmath>
#include <map>

#include <ocellus/base/error.h>

namespace ocellus::vision {
namespace {

constexpr int64_t most_classes = 1 << 24;

/// Recall and precision after each detection, best first.
struct Curve {
  std::vector<double> recall, precision;
};

/// The area under the precision that at least each recall can have.
double area_under(Curve curve) {
  double area = 0;
  for (size_t i = curve.precision.size(); i-- > 1;)
    curve.precision[i - 1] = std::max(curve.precision[i - 1], curve.precision[i]);
  for (size_t i = 0; i < curve.recall.size(); ++i)
    area += (curve.recall[i] - (i == 0 ? 0 : curve.recall[i - 1])) * curve.precision[i];
  return area;
}

double at_eleven_points(const Curve& curve) {
  double sum = 0;
  for (int tenth = 0; tenth <= 10; ++tenth) {
    double best = 0;
    for (size_t i = 0; i < curve.recall.size(); ++i)
      if (curve.recall[i] >= tenth / 10.0) best = std::max(best, curve.precision[i]);
    sum += best;
  }
  return sum / 11;
}

}  // namespace

void AveragePrecision::add(std::span<const Detection> detections, std::span<const Truth> truths) {
  for (const Truth& truth : truths) {
    if (truth.box_class < 0 || truth.box_class > most_classes) throw UsageError("a truth has no class");
    const auto c = static_cast<size_t>(truth.box_class);
    if (truths_.size() <= c) truths_.resize(c + 1);
    if (!truth.difficult) ++truths_[c];
  }
  std::vector<const Detection*> order;
  for (const Detection& d : detections) order.push_back(&d);
  std::ranges::stable_sort(order, std::greater(), [](const Detection* d) { return d->score; });
  std::vector<bool> taken(truths.size());
  for (const Detection* d : order) {
    double best = 0;
    size_t at = truths.size();
    for (size_t i = 0; i < truths.size(); ++i) {
      if (truths[i].box_class != d->box_class) continue;
      const double overlap = iou(d->box, truths[i].box, config_.extent);
      if (overlap > best) best = overlap, at = i;
    }
    const bool hit = at < truths.size() && best >= config_.iou;
    if (hit && truths[at].difficult) continue;
    scored_.push_back({d->box_class, d->score, hit && !taken[at] ? best : 0});
    if (hit) taken[at] = true;
  }
}

std::vector<ClassPrecision> AveragePrecision::classes() const {
  std::map<int64_t, std::vector<const Scored*>> by_class;
  for (const Scored& s : scored_) by_class[s.box_class].push_back(&s);
  std::vector<ClassPrecision> result;
  for (size_t c = 0; c < truths_.size(); ++c) {
    if (truths_[c] == 0) continue;
    auto& own = by_class[static_cast<int64_t>(c)];
    std::ranges::stable_sort(own, std::greater(), [](const Scored* s) { return s->score; });
    Curve curve;
    int64_t right = 0;
    for (size_t i = 0; i < own.size(); ++i) {
      right += own[i]->iou > 0;
      curve.recall.push_back(static_cast<double>(right) / static_cast<double>(truths_[c]));
      curve.precision.push_back(static_cast<double>(right) / static_cast<double>(i + 1));
    }
    result.push_back({.box_class = static_cast<int64_t>(c),
                      .truths = truths_[c],
                      .detections = static_cast<int64_t>(own.size()),
                      .average_precision = config_.eleven_points ? at_eleven_points(curve) : area_under(curve)});
  }
  return result;
}

double AveragePrecision::mean() const {
  const auto all = classes();
  double sum = 0;
  for (const ClassPrecision& c : all) sum += c.average_precision;
  return all.empty() ? 0 : sum / static_cast<double>(all.size());
}

DetectionCounts AveragePrecision::at(double score) const {
  DetectionCounts counts;
  for (const int64_t truths : truths_) counts.missed += truths;
  for (const Scored& s : scored_) {
    if (!(static_cast<double>(s.score) >= score)) continue;
    (s.iou > 0 ? counts.right : counts.wrong) += 1;
    counts.mean_iou += s.iou;
  }
  counts.missed -= counts.right;
  if (counts.right > 0) counts.mean_iou /= static_cast<double>(counts.right);
  return counts;
}

}  // namespace ocellus::vision
