#include "io/keras/held.h"

#include <algorithm>
#include <numeric>

#include <ocellus/ops/shape.h>

#include "io/emit.h"

namespace ocellus::io::keras {
namespace {

/// Transposes as a layer of its own, so that summaries have a row for it.
Value permuted(const Value& x, std::vector<int64_t> perm) {
  const NodeLayer layer("Permute", "", [perm = std::move(perm)](nn::Build&, const Values& in) {
    return Values{ops::transpose(in[0], perm)};
  });
  return layer(x);
}

Value channels_last_of(const Value& x) {
  std::vector<int64_t> perm(x.shape().rank());
  std::iota(perm.begin(), perm.end(), 0);
  std::rotate(perm.begin() + 1, perm.begin() + 2, perm.end());
  return permuted(x, std::move(perm));
}

}  // namespace

Value plain(const Held& x) {
  switch (x.order) {
    case Order::plain: return x.value;
    case Order::moved: return channels_last_of(x.value);
    case Order::flattened: break;
  }
  const NodeLayer layer("Permute", "", [dims = x.before](nn::Build&, const Values& in) {
    std::vector<int64_t> shape = {-1};
    shape.insert(shape.end(), dims.begin(), dims.end());
    std::vector<int64_t> perm(shape.size());
    std::iota(perm.begin(), perm.end(), 0);
    std::rotate(perm.begin() + 1, perm.begin() + 2, perm.end());
    return Values{ops::flatten(ops::transpose(ops::reshape(in[0], shape), perm))};
  });
  return layer(x.value);
}

Value moved(const Held& x) {
  if (x.order == Order::moved) return x.value;
  const Value value = plain(x);
  const size_t rank = value.shape().rank();
  if (rank < 3) return value;
  std::vector<int64_t> perm(rank);
  std::iota(perm.begin(), perm.end(), 0);
  std::rotate(perm.begin() + 1, perm.end() - 1, perm.end());
  return permuted(value, std::move(perm));
}

std::vector<int64_t> keras_shape(const Held& x) {
  std::vector<int64_t> dims(x.value.shape().begin(), x.value.shape().end());
  if (x.order == Order::moved) std::rotate(dims.begin() + 1, dims.begin() + 2, dims.end());
  return dims;
}

Value enter(const Held& x, bool channels_last) { return channels_last ? moved(x) : plain(x); }

Held leave(Value y, bool channels_last) {
  const bool has_positions = y.shape().rank() > 2;
  return {.value = std::move(y), .order = channels_last && has_positions ? Order::moved : Order::plain};
}

Unified unified(const Helds& all) {
  const size_t rank = all.front().value.shape().rank();
  const bool same_rank = std::ranges::all_of(all, [&](const Held& x) { return x.value.shape().rank() == rank; });
  const bool any_moved = std::ranges::any_of(all, [](const Held& x) { return x.order == Order::moved; });
  Unified result{.values = {}, .order = same_rank && any_moved ? Order::moved : Order::plain};
  for (const Held& x : all) result.values.push_back(result.order == Order::moved ? moved(x) : plain(x));
  return result;
}

}  // namespace ocellus::io::keras
