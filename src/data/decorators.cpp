#include <ocellus/data/decorators.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <mutex>
#include <numeric>

#include <fmt/format.h>

#include <ocellus/base/error.h>

namespace ocellus::data {
namespace {

class Mapped final : public Dataset {
 public:
  Mapped(AnyDataset set, SampleFn fn) : set_(std::move(set)), fn_(std::move(fn)) {}
  int64_t size() const override { return set_.size(); }
  Sample get(int64_t i, Rng& rng) const override { return fn_(set_.get(i, rng), rng); }
  std::string name() const override { return set_.name(); }
  std::vector<std::string> class_names() const override { return set_.class_names(); }
  std::string where(int64_t i) const override { return set_.where(i); }

 private:
  AnyDataset set_;
  SampleFn fn_;
};

class Subset final : public Dataset {
 public:
  Subset(AnyDataset set, std::vector<int64_t> indices, std::string_view what)
      : set_(std::move(set)), indices_(std::move(indices)), what_(what) {
    for (const int64_t i : indices_)
      if (i < 0 || i >= set_.size())
        throw UsageError(fmt::format("{} has no sample {}: it has {}", set_.name(), i, set_.size()));
  }
  int64_t size() const override { return static_cast<int64_t>(indices_.size()); }
  Sample get(int64_t i, Rng& rng) const override { return set_.get(inner(i), rng); }
  std::string name() const override { return set_.name() + what_; }
  std::vector<std::string> class_names() const override { return set_.class_names(); }
  Shape input_shape() const override { return set_.input_shape(); }
  bool in_memory() const override { return set_.in_memory(); }
  std::string where(int64_t i) const override { return set_.where(inner(i)); }

 private:
  int64_t inner(int64_t i) const { return indices_.at(static_cast<size_t>(i)); }

  AnyDataset set_;
  std::vector<int64_t> indices_;
  std::string what_;
};

/// Samples are filled in by whoever asks first; a few locks shared by number keep two threads from reading one twice.
class Cached final : public Dataset {
 public:
  explicit Cached(AnyDataset set) : set_(std::move(set)), slots_(static_cast<size_t>(set_.size())) {}
  int64_t size() const override { return set_.size(); }

  Sample get(int64_t i, Rng&) const override {
    Slot& slot = slots_.at(static_cast<size_t>(i));
    if (!slot.ready.load(std::memory_order_acquire)) {
      const std::lock_guard lock(locks_[static_cast<size_t>(i) % locks_.size()]);
      if (!slot.ready.load(std::memory_order_relaxed)) {
        Rng rng(0, static_cast<uint64_t>(i));
        slot.sample = set_.get(i, rng);
        slot.ready.store(true, std::memory_order_release);
      }
    }
    return slot.sample;
  }

  std::string name() const override { return set_.name(); }
  std::vector<std::string> class_names() const override { return set_.class_names(); }
  Shape input_shape() const override { return set_.input_shape(); }
  std::string where(int64_t i) const override { return set_.where(i); }

 private:
  struct Slot {
    std::atomic<bool> ready{false};
    Sample sample;
  };

  AnyDataset set_;
  mutable std::vector<Slot> slots_;
  mutable std::array<std::mutex, 64> locks_;
};

class Concat final : public Dataset {
 public:
  explicit Concat(std::vector<AnyDataset> sets) : sets_(std::move(sets)) {
    if (sets_.empty()) throw UsageError("concat needs at least one data set");
    for (const AnyDataset& set : sets_) {
      if (set.class_names() != sets_.front().class_names())
        throw UsageError(fmt::format("{} and {} have different classes", sets_.front().name(), set.name()));
      size_ += set.size();
      ends_.push_back(size_);
    }
  }
  int64_t size() const override { return size_; }
  Sample get(int64_t i, Rng& rng) const override {
    const auto [set, inner] = find(i);
    return set->get(inner, rng);
  }
  std::string name() const override {
    std::string all;
    for (const AnyDataset& set : sets_) all += (all.empty() ? "" : " + ") + set.name();
    return all;
  }
  std::vector<std::string> class_names() const override { return sets_.front().class_names(); }
  bool in_memory() const override {
    return std::all_of(sets_.begin(), sets_.end(), [](const AnyDataset& set) { return set.in_memory(); });
  }
  std::string where(int64_t i) const override {
    const auto [set, inner] = find(i);
    return set->where(inner);
  }

 private:
  std::pair<const AnyDataset*, int64_t> find(int64_t i) const {
    if (i < 0 || i >= size_) throw UsageError(fmt::format("{} has no sample {}: it has {}", name(), i, size_));
    const auto k = static_cast<size_t>(std::upper_bound(ends_.begin(), ends_.end(), i) - ends_.begin());
    return {&sets_[k], i - (k == 0 ? 0 : ends_[k - 1])};
  }

  std::vector<AnyDataset> sets_;
  std::vector<int64_t> ends_;
  int64_t size_ = 0;
};

AnyDataset make_subset(AnyDataset dataset, std::vector<int64_t> indices, std::string_view what) {
  return {std::make_shared<const Subset>(std::move(dataset), std::move(indices), what)};
}

}  // namespace

AnyDataset map(AnyDataset dataset, SampleFn fn) {
  return {std::make_shared<const Mapped>(std::move(dataset), std::move(fn))};
}

AnyDataset subset(AnyDataset dataset, std::vector<int64_t> indices) {
  return make_subset(std::move(dataset), std::move(indices), " (subset)");
}

AnyDataset range(AnyDataset dataset, int64_t begin, int64_t end) {
  if (begin < 0 || end < begin || end > dataset.size())
    throw UsageError(fmt::format("{} has no samples {} to {}: it has {}", dataset.name(), begin, end, dataset.size()));
  std::vector<int64_t> indices(static_cast<size_t>(end - begin));
  std::iota(indices.begin(), indices.end(), begin);
  return make_subset(std::move(dataset), std::move(indices), fmt::format(" [{}, {})", begin, end));
}

AnyDataset shuffle(AnyDataset dataset, uint64_t seed) {
  auto indices = permutation(dataset.size(), seed);
  return make_subset(std::move(dataset), std::move(indices), "");
}

std::pair<AnyDataset, AnyDataset> split(AnyDataset dataset, double fraction, uint64_t seed) {
  if (!(fraction >= 0 && fraction <= 1))
    throw UsageError(fmt::format("a split takes a fraction between 0 and 1, not {}", fraction));
  const auto order = permutation(dataset.size(), seed);
  const auto middle = order.begin() + std::llround(fraction * static_cast<double>(order.size()));
  return {make_subset(dataset, {order.begin(), middle}, fmt::format(" ({:.3g} %)", 100 * fraction)),
          make_subset(dataset, {middle, order.end()}, fmt::format(" ({:.3g} %)", 100 * (1 - fraction)))};
}

AnyDataset cache(AnyDataset dataset) { return {std::make_shared<const Cached>(std::move(dataset))}; }

AnyDataset concat(std::vector<AnyDataset> datasets) { return {std::make_shared<const Concat>(std::move(datasets))}; }

std::vector<int64_t> permutation(int64_t n, uint64_t seed, uint64_t stream) {
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  Rng rng = Rng(seed).fork("permutation").fork(stream);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
  return order;
}

}  // namespace ocellus::data
