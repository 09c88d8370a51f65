#include <ocellus/data/dataset.h>

#include <utility>

#include <fmt/format.h>

#include <ocellus/base/error.h>

namespace ocellus {

std::string_view to_string(Split split) {
  switch (split) {
    case Split::train: return "train";
    case Split::validation: return "validation";
    default: return "test";
  }
}

Dataset::~Dataset() = default;

std::vector<std::string> Dataset::class_names() const { return {}; }

Shape Dataset::input_shape() const {
  if (size() == 0) throw UsageError(name() + " is empty: it has no input shape");
  Rng rng;
  return get(0, rng).input.shape();
}

std::string Dataset::where(int64_t i) const { return fmt::format("{} sample {}", name(), i); }

namespace data {
namespace {

/// The shape of one row: all dimensions but the first.
Shape row_shape(const Shape& shape) { return Shape(shape.dims().subspan(1)); }

}  // namespace

AnyDataset::AnyDataset(std::shared_ptr<const Dataset> dataset) : set_(std::move(dataset)) {
  if (set_ == nullptr) throw UsageError("a data set is missing: the pointer is null");
}

InMemory::InMemory(InMemoryConfig config)
    : inputs_(std::move(config.inputs)),
      targets_(std::move(config.targets)),
      classes_(std::move(config.classes)),
      name_(std::move(config.name)) {
  if (!inputs_ || inputs_.shape().rank() == 0) throw ShapeError(name_ + ": inputs need a first dimension of samples");
  size_ = inputs_.shape()[0];
  input_shape_ = row_shape(inputs_.shape());
  if (!targets_) return;
  if (targets_.shape().rank() == 0 || targets_.shape()[0] != size_)
    throw ShapeError(fmt::format("{}: inputs {} and targets {} differ in number", name_, inputs_.shape().to_string(),
                                 targets_.shape().to_string()));
  target_shape_ = row_shape(targets_.shape());
}

Sample InMemory::get(int64_t i, Rng&) const {
  Sample sample{inputs_.rows(i, i + 1).reshape(input_shape_), {}};
  if (targets_) sample.target = targets_.rows(i, i + 1).reshape(target_shape_);
  return sample;
}

}  // namespace data
}  // namespace ocellus
