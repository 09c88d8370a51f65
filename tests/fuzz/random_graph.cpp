#include "fuzz/random_graph.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include <ocellus/base/error.h>
#include <ocellus/ops/reduce.h>

#include "fuzz/generator.h"

namespace ocellus::fuzz {
namespace {

constexpr int64_t most_elements = 4000;

const Choice& drawn(Rng& rng, const std::vector<Choice>& choices) {
  uint64_t total = 0;
  for (const Choice& c : choices) total += static_cast<uint64_t>(c.weight);
  auto left = static_cast<int64_t>(rng.below(total));
  for (const Choice& c : choices)
    if ((left -= c.weight) < 0) return c;
  return choices.back();
}

const std::vector<Choice>& all_choices() {
  static const std::vector<Choice> all = [] {
    std::vector<Choice> list;
    for (const auto& family : {products(), normalisations(), windows(), functions(), shapes(), reductions()})
      list.insert(list.end(), family.begin(), family.end());
    return list;
  }();
  return all;
}

}  // namespace

ProgramSpec RandomGraph::spec(Mode mode) const {
  Types types;
  for (const Value& v : graph.inputs) types.push_back(v.type());
  return {graph, types, mode, mode == Mode::train ? wrt : Values{}};
}

void RandomGraph::restore() const {
  for (const auto& [parameter, value] : parameters) parameter->set_value(value);
}

void drop_unused(RandomGraph& g) {
  std::unordered_set<const Node*> reached;
  for (const auto& node : g.graph.order()) reached.insert(node.get());
  const auto unused = [&](const Value& v) { return !reached.contains(&v.node()); };
  for (size_t i = g.graph.inputs.size(); i-- > 0;)
    if (unused(g.graph.inputs[i])) {
      g.graph.inputs.erase(g.graph.inputs.begin() + static_cast<std::ptrdiff_t>(i));
      g.fed.erase(g.fed.begin() + static_cast<std::ptrdiff_t>(i));
    }
  const auto used = g.graph.parameters();
  std::erase_if(g.parameters, [&](const auto& p) { return std::ranges::find(used, p.first) == used.end(); });
  std::erase_if(g.wrt, unused);
  const Values found = gradients(g.graph.outputs[0], g.wrt);
  Values wrt;
  for (size_t i = 0; i < found.size(); ++i)
    if (found[i]) wrt.push_back(g.wrt[i]);
  g.wrt = std::move(wrt);
}

RandomGraph random_graph(uint64_t seed) { return Generator(seed).make(); }

RandomGraph Generator::make() {
  pool_.push_back(first_input());
  if (chance(0.2)) pool_.push_back(first_input());
  const int64_t wanted = between(1, 14);
  for (int64_t made = 0, tries = 0; made < wanted && tries < 200; ++tries) made += grow() ? 1 : 0;
  std::unordered_set<const Node*> used;
  for (const Value& v : pool_)
    for (const Value& in : v.node().inputs()) used.insert(&in.node());
  Values parts;
  for (const Value& v : pool_)
    if (!used.contains(&v.node()) && !v.node().as<InputOp>()) parts.push_back(loss_of(v));
  if (parts.empty()) parts.push_back(loss_of(pool_.back()));
  made_.graph.outputs.push_back(add_n(parts));
  for (int64_t i = between(0, 2); i > 0; --i)
    made_.graph.outputs.push_back(*earlier([](const Value&) { return true; }));
  for (const Value& p : learnt_)
    if (p.node().as<ParameterOp>()->parameter->learns() && chance(0.8)) made_.wrt.push_back(p);
  for (const Value& v : made_.graph.inputs)
    if (v.dtype() == DType::f32 && chance(0.5)) made_.wrt.push_back(v);
  made_.step = between(0, 1000);
  drop_unused(made_);
  return std::move(made_);
}

/// The first value: [N,C] or with one to three spatial dimensions.
Value Generator::first_input() {
  const int64_t dimensions = one_of<int64_t>({0, 1, 2, 2, 2, 2, 3}), longest = dimensions == 3   ? 5
                                                                               : dimensions == 2 ? 9
                                                                                                 : 16;
  const int64_t channels = one_of<int64_t>({1, 2, 3, 4, 8, 8, 16, 16, 17, 32});
  const bool wide = channels > 16;
  std::vector<int64_t> dims = {between(1, wide ? 1 : 3), channels};
  for (int64_t d = 0; d < dimensions; ++d) dims.push_back(between(2, wide ? std::min<int64_t>(longest, 6) : longest));
  return input(uniform(Shape(std::span<const int64_t>(dims)), {-1.5, 1.5}));
}

/// Adds one operator to the pool; false if what was drawn did not fit.
bool Generator::grow() {
  const size_t from = pool_.size() - 1 - static_cast<size_t>(chance(0.6) ? 0 : rng_.below(pool_.size()));
  const Value x = pool_[from];
  layer_ = std::make_shared<LayerInfo>();
  layer_->kind = "Fuzz";
  layer_->name = "layer" + std::to_string(numbers_.size());
  layer_->trainable = chance(0.85);
  try {
    const Value y = drawn(rng_, all_choices()).draw(*this, x);
    if (!y || y == x || !keeps_size(y)) return false;
    assign_scope(std::span(&y, 1), std::make_shared<const Scope>(Scope{layer_, {x}}));
    pool_.push_back(y);
    return true;
  } catch (const Error&) {  // does not fit this shape
    return false;
  }
}

bool Generator::keeps_size(const Value& v) {
  if (v.dtype() != DType::f32 || v.shape().numel() > most_elements || v.shape().numel() < 2 || v.shape().rank() < 2)
    return false;
  const Statistics s = statistics(v);
  return std::isfinite(s.rms) && s.rms > 0.05 && s.rms < 10 && s.high < 50 && s.low > -50;
}

Value Generator::loss_of(const Value& v) {
  for (int tries = 0; tries < 4; ++tries) {
    try {
      const Value loss = drawn(rng_, losses()).draw(*this, v);
      if (loss && std::isfinite(statistics(loss).rms)) return loss;
    } catch (const Error&) {
      continue;
    }
  }
  return ops::reduce_mean(v);
}

int64_t Generator::between(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(rng_.below(static_cast<uint64_t>(high - low + 1)));
}

Tensor Generator::uniform(const Shape& shape, Range range) {
  Tensor t(DType::f32, shape);
  for (float& v : t.as<float>()) v = static_cast<float>(real(range));
  return t;
}

Tensor Generator::below(const Shape& shape, int64_t n) {
  Tensor t(DType::i32, shape);
  for (int32_t& v : t.as<int32_t>()) v = static_cast<int32_t>(between(0, n - 1));
  return t;
}

Value Generator::parameter(const Shape& shape, Range range, ParamRole role) {
  return parameter(uniform(shape, range), role);
}

Value Generator::parameter(Tensor value, ParamRole role) {
  const std::string name = "p" + std::to_string(made_.parameters.size());
  auto p = std::make_shared<Parameter>(name, value.shape(), role, nullptr, layer_);
  p->set_value(value);
  made_.parameters.emplace_back(p, std::move(value));
  return learnt_.emplace_back(ocellus::parameter(p));
}

Value Generator::weights(const Shape& shape, const Value& x, int64_t terms) {
  const double bound = std::sqrt(3.0 / static_cast<double>(terms)) / std::max(0.1, statistics(x).rms);
  return parameter(shape, {-bound, bound});
}

Value Generator::input(Tensor value) {
  made_.graph.inputs.push_back(ocellus::input("in" + std::to_string(made_.fed.size()), {value.dtype(), value.shape()}));
  numbers_[&made_.graph.inputs.back().node()] = {is_floating(value.dtype()) ? value.to(DType::f64) : value};
  made_.fed.push_back(std::move(value));
  return made_.graph.inputs.back();
}

Value Generator::source(const Shape& shape, Range range) {
  if (chance(0.5)) return parameter(shape, range);
  return chance(0.5) ? constant(uniform(shape, range)) : input(uniform(shape, range));
}

std::optional<Value> Generator::earlier(const std::function<bool(const Value&)>& fits) {
  Values found;
  std::ranges::copy_if(pool_, std::back_inserter(found), fits);
  if (found.empty()) return std::nullopt;
  return found[rng_.below(found.size())];
}

const Tensor& Generator::numbers(const Value& v) {
  const auto& node = v.node_ptr();
  if (const auto it = numbers_.find(node.get()); it != numbers_.end()) return it->second[v.index()];
  std::vector<Tensor> inputs, outputs;
  if (const auto* p = node->as<ParameterOp>()) {
    outputs.push_back(p->parameter->value().to(DType::f64));
  } else {
    for (const Value& in : node->inputs()) inputs.push_back(numbers(in));
    for (const TensorType& t : node->types())
      outputs.emplace_back(is_floating(t.dtype) ? DType::f64 : t.dtype, t.shape);
    EvalCtx ctx{*node, inputs, outputs};
    node->op().eval(ctx);
  }
  // A node that was drawn and dropped must not give its address, and with it these numbers, to another one.
  kept_.push_back(node);
  return (numbers_[node.get()] = std::move(outputs))[v.index()];
}

Statistics Generator::statistics(const Value& v) {
  const Tensor& t = numbers(v);
  Statistics s{t.at(0), t.at(0), 0};
  for (int64_t i = 0; i < t.numel(); ++i) {
    s.low = std::min(s.low, t.at(i));
    s.high = std::max(s.high, t.at(i));
    s.rms += t.at(i) * t.at(i) / static_cast<double>(t.numel());
  }
  s.rms = std::sqrt(s.rms);
  return s;
}

double Generator::least_variance(const Value& v, int64_t blocks, const std::function<int64_t(int64_t)>& block) {
  std::vector<double> sum(static_cast<size_t>(blocks)), squares(sum), count(sum);
  const Tensor& t = numbers(v);
  for (int64_t i = 0; i < t.numel(); ++i) {
    const auto b = static_cast<size_t>(block(i));
    ++count[b];
    sum[b] += t.at(i);
    squares[b] += t.at(i) * t.at(i);
  }
  double least = 1e9;
  for (size_t b = 0; b < sum.size(); ++b)
    least = std::min(least, squares[b] / count[b] - std::pow(sum[b] / count[b], 2));
  return least;
}

std::pair<Tensor, Tensor> Generator::channel_moments(const Value& v) {
  const Tensor& t = numbers(v);
  const int64_t channels = v.shape()[1], inner = t.numel() / (v.shape()[0] * channels);
  Tensor mean(DType::f32, {channels}), variance(DType::f32, {channels});
  std::vector<double> sum(static_cast<size_t>(channels)), squares(sum);
  for (int64_t i = 0; i < t.numel(); ++i) {
    const auto c = static_cast<size_t>(i / inner % channels);
    sum[c] += t.at(i);
    squares[c] += t.at(i) * t.at(i);
  }
  const double count = static_cast<double>(t.numel() / channels);
  for (size_t c = 0; c < sum.size(); ++c) {
    mean.as<float>()[c] = static_cast<float>(sum[c] / count);
    variance.as<float>()[c] = static_cast<float>(squares[c] / count - std::pow(sum[c] / count, 2));
  }
  return {mean, variance};
}

}  // namespace ocellus::fuzz
