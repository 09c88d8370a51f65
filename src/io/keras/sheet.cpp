#include "io/keras/sheet.h"

#include <algorithm>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/ops/unary.h>

#include "io/tensors.h"

namespace ocellus::io::keras {
namespace {

std::vector<int64_t> permuted(const std::vector<int64_t>& shape, const std::vector<int64_t>& dims) {
  std::vector<int64_t> result = {shape[0]};
  for (const int64_t d : dims) result.push_back(shape[static_cast<size_t>(d)]);
  return result;
}

}  // namespace

void cannot(const std::string& what) { throw Unsupported(what); }

const Tensor& Operator::array(size_t i) const {
  if (i >= fixed.size() || !fixed[i]) cannot("whose array is computed by the network itself");
  return *fixed[i];
}

size_t Sheet::add(SheetLayer layer) {
  std::ranges::replace(layer.name, '/', '_');
  if (layer.name.empty()) layer.name = "layer";
  const int count = taken_[layer.name]++;
  if (count > 0) layer.name = fmt::format("{}_{}", layer.name, count);
  if (count > 0) ++taken_[layer.name];
  layers.push_back(std::move(layer));
  return layers.size() - 1;
}

size_t Sheet::add(std::string class_name, std::vector<size_t> inputs, std::vector<int64_t> shape, Settings config,
                  std::vector<std::pair<std::string, Tensor>> arrays) {
  return add({.class_name = std::move(class_name),
              .name = part_.name,
              .config = std::move(config),
              .inputs = std::move(inputs),
              .shape = std::move(shape),
              .arrays = std::move(arrays),
              .trainable = part_.trainable});
}

size_t Sheet::plain(const Written& x) {
  if (x.order == Order::plain) return x.layer;
  size_t at = x.layer;
  if (x.order == Order::flattened) {  // back to positions first
    std::vector<int64_t> apart(x.before.begin() + 1, x.before.end());
    apart.push_back(x.before.front());
    std::vector<int64_t> shape = {any_dim};
    shape.insert(shape.end(), apart.begin(), apart.end());
    at = add("Reshape", {at}, shape, {{"target_shape", apart}});
  }
  const auto rank = static_cast<int64_t>(shape(at).size());
  std::vector<int64_t> dims = {rank - 1};
  for (int64_t d = 1; d + 1 < rank; ++d) dims.push_back(d);
  at = add("Permute", {at}, permuted(shape(at), dims), {{"dims", dims}});
  return x.order == Order::flattened ? add("Flatten", {at}, shape(x.layer)) : at;
}

size_t Sheet::moved(const Written& x) {
  if (x.order == Order::moved) return x.layer;
  const size_t at = plain(x);
  const auto rank = static_cast<int64_t>(shape(at).size());
  if (rank < 3) return at;
  std::vector<int64_t> dims;
  for (int64_t d = 2; d < rank; ++d) dims.push_back(d);
  dims.push_back(1);
  return add("Permute", {at}, permuted(shape(at), dims), {{"dims", dims}});
}

size_t Sheet::padded(size_t x, const std::vector<int64_t>& before, const std::vector<int64_t>& after) {
  const auto nothing = [](const std::vector<int64_t>& v) {
    return std::ranges::all_of(v, [](int64_t n) { return n == 0; });
  };
  if (nothing(before) && nothing(after)) return x;
  std::vector<int64_t> padded_shape = shape(x);
  Settings sides = Settings::array();
  for (size_t i = 0; i < before.size(); ++i) {
    sides.push_back({before[i], after[i]});
    padded_shape[i + 1] += before[i] + after[i];
  }
  if (before.size() == 1) sides = sides[0];
  return add(with_rank("ZeroPadding", before.size()), {x}, padded_shape, {{"padding", sides}});
}

size_t Sheet::activated(size_t x, const Activation& a) {
  const std::vector<int64_t> same_shape = shape(x);
  const auto named = [&](const char* name) { return add("Activation", {x}, same_shape, {{"activation", name}}); };
  switch (a.kind) {
    case ActivationKind::none: return x;
    case ActivationKind::relu: return named("relu");
    case ActivationKind::sigmoid: return named("sigmoid");
    case ActivationKind::silu: return named("silu");
    case ActivationKind::hard_swish: return named("hard_silu");
    case ActivationKind::mish: return named("mish");
    case ActivationKind::gelu: return named("gelu");
    case ActivationKind::elu: return add("ELU", {x}, same_shape, {{"alpha", a.alpha}});
    case ActivationKind::leaky_relu: return add("LeakyReLU", {x}, same_shape, {{"negative_slope", a.alpha}});
    case ActivationKind::clip:
      if (a.alpha == 0) return add("ReLU", {x}, same_shape, {{"max_value", a.beta}});
      if (a.alpha == -1 && a.beta == 1) return named("hard_tanh");
      break;
    case ActivationKind::hard_sigmoid:
      if (a.alpha == hard_sigmoid().alpha && a.beta == hard_sigmoid().beta) return named("hard_sigmoid");
      break;
    case ActivationKind::tanh:
      if (a.alpha != 1) x = add("Rescaling", {x}, same_shape, {{"scale", a.alpha}, {"offset", 0.0}});
      x = named("tanh");
      return a.beta == 1 ? x : add("Rescaling", {x}, same_shape, {{"scale", a.beta}, {"offset", 0.0}});
    case ActivationKind::gelu_tanh: break;
  }
  cannot("a function that Keras has no layer for");
}

std::vector<int64_t> plain_shape(const Shape& shape) { return {shape.begin(), shape.end()}; }

std::vector<int64_t> moved_shape(const Shape& shape) {
  std::vector<int64_t> dims = plain_shape(shape);
  if (dims.size() > 2) std::rotate(dims.begin() + 1, dims.begin() + 2, dims.end());
  return dims;
}

std::string padding_for(Sheet& sheet, size_t& x, const PlacedWindow& window) {
  const auto zero = [](const std::vector<int64_t>& v) {
    return std::ranges::all_of(v, [](int64_t n) { return n == 0; });
  };
  if (zero(window.pad_begin) && zero(window.pad_end)) return "valid";
  bool like_same = true;
  for (size_t i = 0; i < window.input.size(); ++i) {
    const int64_t outputs = (window.input[i] + window.stride[i] - 1) / window.stride[i];
    const int64_t covered = (window.kernel[i] - 1) * window.dilation[i] + 1;
    const int64_t total = std::max<int64_t>(0, (outputs - 1) * window.stride[i] + covered - window.input[i]);
    like_same = like_same && window.pad_begin[i] == total / 2 && window.pad_end[i] == total - total / 2;
  }
  if (like_same) return "same";
  x = sheet.padded(x, window.pad_begin, window.pad_end);
  return "valid";
}

std::string with_rank(std::string_view family, size_t rank, std::string_view suffix) {
  return fmt::format("{}{}D{}", family, rank, suffix);
}

}  // namespace ocellus::io::keras
