#include <ocellus/io/diff.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

namespace ocellus::io {
namespace {

/// A model's layers and what they gave.
struct Run {
  const Model& model;
  std::vector<std::string> names;
  std::vector<Tensor> values;
  std::vector<bool> taken;
};

Run run(const Model& model, std::span<const Tensor> inputs) {
  Run r{.model = model, .names = {}, .values = {}, .taken = {}};
  const auto input_names = model.input_names();
  for (const std::string& name : model.value_names())
    if (std::ranges::find(input_names, name) == input_names.end() && model.value(name).dtype() == DType::f32)
      r.names.push_back(name);
  r.values = model.predict(inputs, r.names);
  r.taken.assign(r.names.size(), false);
  return r;
}

bool same_shape(const Tensor& a, const Tensor& b) {
  const auto dims = [](const Shape& s) {
    std::vector<int64_t> all;
    std::ranges::copy_if(s, std::back_inserter(all), [](int64_t d) { return d != 1; });
    return all;
  };
  return dims(a.shape()) == dims(b.shape());
}

/// Compares two tensors of as many elements.
LayerDifference compared(const std::string& first, const Tensor& a, const std::string& second, const Tensor& b,
                         double tolerance) {
  LayerDifference d{.first = first, .second = second, .shape = {a.shape().begin(), a.shape().end()}};
  const auto x = a.as<float>(), y = b.as<float>();
  for (size_t i = 0; i < x.size(); ++i) {
    const double p = static_cast<double>(x[i]), q = static_cast<double>(y[i]);
    const bool same = p == q || (std::isnan(p) && std::isnan(q));
    double distance = same ? 0 : std::abs(p - q);
    if (std::isnan(distance)) distance = std::numeric_limits<double>::infinity();
    for (const double v : {p, q})
      if (std::isfinite(v)) d.magnitude = std::max(d.magnitude, std::abs(v));
    if (i > 0 && distance <= d.largest) continue;
    d.largest = distance;
    d.element = static_cast<int64_t>(i);
    d.first_value = p;
    d.second_value = q;
  }
  d.agrees = d.largest <= tolerance * std::max(1.0, d.magnitude);
  return d;
}

/// Finds a layer's counterpart: one that agrees, of its name or of its shape; else the one of its name, else the next in order.
LayerDifference paired(const Run& a, size_t i, Run& b, size_t& last, double tolerance) {
  const auto named = static_cast<size_t>(std::ranges::find(b.names, a.names[i]) - b.names.begin());
  std::vector<size_t> candidates;
  if (named < b.names.size() && !b.taken[named]) candidates.push_back(named);
  for (size_t j = 0; j < b.names.size(); ++j)
    if (j != named && !b.taken[j]) candidates.push_back(j);
  std::optional<LayerDifference> nearest;
  size_t nearest_at = 0;
  for (const size_t j : candidates) {
    if (!same_shape(a.values[i], b.values[j])) continue;
    const LayerDifference d = compared(a.names[i], a.values[i], b.names[j], b.values[j], tolerance);
    if (d.agrees) {
      b.taken[j] = true;
      last = j;
      return d;
    }
    // Of those that differ, one of the same name comes first; another counts only behind what has been paired.
    if (!nearest && (j == named || j > last)) {
      nearest = d;
      nearest_at = j;
    }
  }
  if (!nearest)
    return {.first = a.names[i], .second = {}, .shape = {a.values[i].shape().begin(), a.values[i].shape().end()}};
  if (nearest_at == named) b.taken[named] = true;
  return *nearest;
}

/// Outputs of one name, or else in the same place.
std::vector<LayerDifference> compared_outputs(const Run& a, const Run& b, double tolerance) {
  const auto firsts = a.model.output_names(), seconds = b.model.output_names();
  const auto value_of = [](const Run& r, const std::string& name) {
    return r.values[static_cast<size_t>(std::ranges::find(r.names, name) - r.names.begin())];
  };
  std::vector<LayerDifference> all;
  for (size_t i = 0; i < firsts.size(); ++i) {
    const bool named = std::ranges::count(seconds, firsts[i]) > 0;
    if (!named && i >= seconds.size()) continue;
    const std::string& other = named ? firsts[i] : seconds[i];
    const Tensor x = value_of(a, firsts[i]), y = value_of(b, other);
    LayerDifference d{.first = firsts[i], .second = other, .shape = {x.shape().begin(), x.shape().end()}};
    if (same_shape(x, y)) d = compared(firsts[i], x, other, y, tolerance);
    all.push_back(std::move(d));
  }
  return all;
}

/// Every node that leads to the values.
std::unordered_set<const Node*> ancestors(const Values& values) {
  std::unordered_set<const Node*> seen;
  std::vector<const Node*> open;
  for (const Value& v : values) open.push_back(&v.node());
  while (!open.empty()) {
    const Node* node = open.back();
    open.pop_back();
    for (const Value& v : node->inputs())
      if (seen.insert(&v.node()).second) open.push_back(&v.node());
  }
  return seen;
}

}  // namespace

bool ModelDifference::agree() const {
  return !parting && std::ranges::all_of(outputs, [](const LayerDifference& d) { return d.agrees; });
}

ModelDifference compare_models(const Model& first, const Model& second, std::span<const Tensor> first_inputs,
                               std::span<const Tensor> second_inputs, const CompareConfig& config) {
  Run a = run(first, first_inputs), b = run(second, second_inputs);
  ModelDifference result;
  size_t last = 0;
  Values agreeing;
  for (size_t i = 0; i < a.names.size(); ++i) {
    result.layers.push_back(paired(a, i, b, last, config.tolerance));
    if (result.layers.back().agrees) agreeing.push_back(first.value(a.names[i]));
  }
  const auto agreed_later = ancestors(agreeing);
  for (size_t i = 0; i < a.names.size() && !result.parting; ++i) {
    const LayerDifference& d = result.layers[i];
    if (!d.agrees && !d.second.empty() && !agreed_later.contains(&first.value(a.names[i]).node())) result.parting = i;
  }
  result.outputs = compared_outputs(a, b, config.tolerance);
  return result;
}

}  // namespace ocellus::io
