// Triplet loss with mining: max(0, margin + d(a,p) - d(a,n)) over triplets of an anchor, a positive of its label and a
// negative of another, chosen among the embeddings of a batch by their distances.
//
// Which triplets count depends on the data, so value and gradient are computed together on the host. A triplet that costs
// something adds 1 to the slope with respect to d(a,p) and takes 1 from that with respect to d(a,n); these slopes are
// gathered for every pair, and turned into gradients of the embeddings once at the end.

#include <array>
#include <cmath>
#include <limits>

#include "nn/loss_settings.h"

namespace ocellus::loss {
namespace {

/// Distances of all pairs of embeddings.
class Distances {
 public:
  Distances(const Tensor& embeddings, DistanceKind kind)
      : rows_(embeddings.shape()[0]), length_(embeddings.shape()[1]), kind_(kind), x_(embeddings.as<float>().data()) {
    values_.resize(static_cast<size_t>(rows_ * rows_));
    for (int64_t i = 0; i < rows_; ++i)
      for (int64_t j = 0; j < i; ++j) values_[index(i, j)] = values_[index(j, i)] = between(i, j);
  }

  int64_t rows() const { return rows_; }
  size_t index(int64_t i, int64_t j) const { return static_cast<size_t>(i * rows_ + j); }
  double operator()(int64_t i, int64_t j) const { return values_[index(i, j)]; }

  /// Adds `slope` times the gradient of d(i,j) to that of the embeddings. At distance 0 the gradient is 0.
  void add_gradient(int64_t i, int64_t j, double slope, float* gradient) const {
    const double d = (*this)(i, j);
    const double factor = kind_ == DistanceKind::squared_l2 ? 2 * slope : d > 0 ? slope / d : 0;
    for (int64_t k = 0; k < length_; ++k) {
      const double g = factor * (double(x_[i * length_ + k]) - x_[j * length_ + k]);
      gradient[i * length_ + k] += static_cast<float>(g);
      gradient[j * length_ + k] -= static_cast<float>(g);
    }
  }

 private:
  double between(int64_t i, int64_t j) const {
    double sum = 0;
    for (int64_t k = 0; k < length_; ++k) {
      const double difference = double(x_[i * length_ + k]) - x_[j * length_ + k];
      sum += difference * difference;
    }
    return kind_ == DistanceKind::l2 ? std::sqrt(sum) : sum;
  }

  int64_t rows_, length_;
  DistanceKind kind_;
  const float* x_;
  std::vector<double> values_;
};

/// The triplets of a batch.
class Miner {
 public:
  Miner(const Distances& distances, const int32_t* labels, double margin)
      : d_(distances), labels_(labels), margin_(margin), slopes_(static_cast<size_t>(d_.rows() * d_.rows())) {}

  void mine(TripletMining mining) {
    for (int64_t anchor = 0; anchor < d_.rows(); ++anchor) {
      switch (mining) {
        case TripletMining::semi_hard: semi_hard(anchor); break;
        case TripletMining::batch_hard: batch_hard(anchor); break;
        case TripletMining::batch_all: batch_all(anchor); break;
      }
    }
  }

  double sum() const { return sum_; }
  int64_t mined() const { return mined_; }
  int64_t active() const { return active_; }

  void add_gradient(double scale, float* gradient) const {
    for (int64_t i = 0; i < d_.rows(); ++i)
      for (int64_t j = 0; j < d_.rows(); ++j)
        if (const double slope = slopes_[d_.index(i, j)]; slope != 0) d_.add_gradient(i, j, slope * scale, gradient);
  }

 private:
  static constexpr int64_t nobody = -1;

  template <class F>
  void each_positive(int64_t anchor, F&& f) const {
    for (int64_t i = 0; i < d_.rows(); ++i)
      if (i != anchor && labels_[i] == labels_[anchor]) f(i);
  }
  template <class F>
  void each_negative(int64_t anchor, F&& f) const {
    for (int64_t i = 0; i < d_.rows(); ++i)
      if (labels_[i] != labels_[anchor]) f(i);
  }

  /// The nearest negative that is farther than `beyond`; nobody where there is none.
  int64_t nearest_negative(int64_t anchor, double beyond) const {
    int64_t found = nobody;
    each_negative(anchor, [&](int64_t i) {
      if (d_(anchor, i) > beyond && (found == nobody || d_(anchor, i) < d_(anchor, found))) found = i;
    });
    return found;
  }

  void semi_hard(int64_t anchor) {
    int64_t farthest = nobody;
    each_negative(anchor, [&](int64_t i) {
      if (farthest == nobody || d_(anchor, i) > d_(anchor, farthest)) farthest = i;
    });
    if (farthest == nobody) return;
    each_positive(anchor, [&](int64_t positive) {
      const int64_t beyond = nearest_negative(anchor, d_(anchor, positive));
      take(anchor, positive, beyond == nobody ? farthest : beyond);
    });
  }

  void batch_hard(int64_t anchor) {
    int64_t farthest = nobody;
    each_positive(anchor, [&](int64_t i) {
      if (farthest == nobody || d_(anchor, i) > d_(anchor, farthest)) farthest = i;
    });
    const int64_t nearest = nearest_negative(anchor, -std::numeric_limits<double>::infinity());
    if (farthest != nobody && nearest != nobody) take(anchor, farthest, nearest);
  }

  void batch_all(int64_t anchor) {
    each_positive(anchor, [&](int64_t positive) {
      each_negative(anchor, [&](int64_t negative) { take(anchor, positive, negative); });
    });
  }

  void take(int64_t anchor, int64_t positive, int64_t negative) {
    ++mined_;
    const double cost = margin_ + d_(anchor, positive) - d_(anchor, negative);
    if (cost <= 0) return;
    ++active_;
    sum_ += cost;
    slopes_[d_.index(anchor, positive)] += 1;
    slopes_[d_.index(anchor, negative)] -= 1;
  }

  const Distances& d_;
  const int32_t* labels_;
  double margin_;
  std::vector<double> slopes_;  ///< of the sum, with respect to each distance
  double sum_ = 0;
  int64_t mined_ = 0, active_ = 0;
};

std::vector<LossPart> triplet_parts(const TripletConfig& c, const Tensor& embeddings, const Tensor& labels,
                                    Tensor& gradient) {
  const Distances distances(embeddings, c.distance);
  Miner miner(distances, labels.as<int32_t>().data(), c.margin);
  miner.mine(c.mining);
  const int64_t terms = c.over_active ? miner.active() : miner.mined();
  const double scale = c.reduction == Reduction::mean && terms > 0 ? 1 / static_cast<double>(terms) : 1;
  miner.add_gradient(scale, gradient.as<float>().data());
  return {{"triplet", miner.sum() * scale}, {"active_triplets", static_cast<double>(miner.active()), false}};
}

TensorType labels_of(const TensorType& prediction, DType target) {
  if (prediction.shape.rank() != 2) throw ShapeError("triplet needs embeddings [N,D], got " + to_string(prediction));
  if (is_floating(target))
    throw TypeError(fmt::format("triplet needs integer labels, the data set has {}", to_string(target)));
  return {DType::i32, {prediction.shape[0]}};
}

}  // namespace

std::span<const std::string_view> enum_names(TripletMining) {
  static constexpr std::array<std::string_view, 3> names = {"semi_hard", "batch_hard", "batch_all"};
  return names;
}

Loss triplet(TripletConfig config) {
  expect_scalar("triplet", config.reduction);
  if (!(config.margin > 0)) throw UsageError(fmt::format("loss triplet: margin {} must be above 0", config.margin));
  if (config.distance != DistanceKind::squared_l2 && config.distance != DistanceKind::l2)
    throw UsageError("loss triplet: its distance is squared_l2 or l2");
  const HostLossConfig host{.name = "triplet",
                            .parts = {"triplet", "active_triplets"},
                            .fn = [config](const Tensor& embeddings, std::span<const Tensor> aux, Tensor& gradient) {
                              return triplet_parts(config, embeddings, aux[0], gradient);
                            }};
  return Loss(LossSpec{.name = "triplet",
                       .settings = {{"margin", config.margin},
                                    {"mining", Settings::code(config.mining)},
                                    {"distance", Settings::code(config.distance)},
                                    {"reduction", Settings::code(config.reduction)},
                                    {"over_active", config.over_active}},
                       .parts = host.parts,
                       .target = labels_of,
                       .build =
                           [host](const Value& prediction, const Value& target) {
                             const Values values = host_loss(host, prediction, {target});
                             return LossValues{values[0], values[1]};
                           },
                       .probabilities = nullptr});
}

Loss triplet_from(const Settings& s) {
  return triplet({.margin = s.number("margin", 0.2),
                  .mining = s.choice("mining", TripletMining::semi_hard),
                  .distance = s.choice("distance", DistanceKind::squared_l2),
                  .reduction = s.choice("reduction", Reduction::mean),
                  .over_active = s.flag("over_active")});
}

}  // namespace ocellus::loss
