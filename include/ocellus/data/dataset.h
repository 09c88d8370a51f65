// Dataset: numbered samples, each an input and its target.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ocellus/base/export.h>
#include <ocellus/base/rng.h>
#include <ocellus/tensor/tensor.h>

namespace ocellus {

/// The part of a data set that is asked for.
enum class Split : uint8_t { train, validation, test };

OCELLUS_API std::string_view to_string(Split split);  ///< "train", "validation", "test"

/// One example. Both tensors may be views of the data set's own memory: change a clone, not them.
struct Sample {
  Tensor input = {};   ///< [C,H,W] u8 or f32 for images, channels first for anything else
  Tensor target = {};  ///< i32 [] for a class, f32 [K] for soft labels or numbers; an empty handle when there is none
};

/// Numbered samples. All members are const and may be called from several threads at once.
class OCELLUS_API Dataset {
 public:
  Dataset() = default;
  Dataset(const Dataset&) = default;
  Dataset(Dataset&&) = default;
  Dataset& operator=(const Dataset&) = default;
  Dataset& operator=(Dataset&&) = default;
  virtual ~Dataset();

  virtual int64_t size() const = 0;

  /// Sample i of [0, size()); whatever is random in it comes from `rng`. Errors name the file or the sample.
  virtual Sample get(int64_t i, Rng& rng) const = 0;

  virtual std::string name() const = 0;                  ///< for people: "mnist (train)"
  virtual std::vector<std::string> class_names() const;  ///< in the order of the labels; empty when there are none
  virtual Shape input_shape() const;                     ///< shape of sample 0's input, without the batch dimension
  virtual bool in_memory() const { return false; }       ///< `get` is a view: background workers would not help
  virtual std::string where(int64_t i) const;  ///< names sample i in errors: its file, or "mnist (train) sample 7"
};

namespace data {

class AnyDataset;

/// A data set of any class but the type-erased one.
template <class D>
concept ConcreteDataset = std::derived_from<D, Dataset> && !std::same_as<D, AnyDataset>;

/// Any data set as a value: a shared, immutable one that copies as a pointer does.
class OCELLUS_API AnyDataset final : public Dataset {
 public:
  /// Takes a copy of `dataset`, which is cheap for every data set of this library.
  template <ConcreteDataset D>
  AnyDataset(D dataset) : set_(std::make_shared<const D>(std::move(dataset))) {}
  AnyDataset(std::shared_ptr<const Dataset> dataset);  ///< throws UsageError for a null pointer
  template <std::derived_from<Dataset> D>
  AnyDataset(std::shared_ptr<D> dataset) : AnyDataset(std::shared_ptr<const Dataset>(std::move(dataset))) {}

  int64_t size() const override { return set_->size(); }
  Sample get(int64_t i, Rng& rng) const override { return set_->get(i, rng); }
  std::string name() const override { return set_->name(); }
  std::vector<std::string> class_names() const override { return set_->class_names(); }
  Shape input_shape() const override { return set_->input_shape(); }
  bool in_memory() const override { return set_->in_memory(); }
  std::string where(int64_t i) const override { return set_->where(i); }

 private:
  std::shared_ptr<const Dataset> set_;
};

/// What an in-memory data set is made of.
struct InMemoryConfig {
  Tensor inputs = {};                     ///< [N, ...] of any dtype
  Tensor targets = {};                    ///< [N] or [N, K]; may be an empty handle
  std::vector<std::string> classes = {};  ///< names of the classes, in the order of the labels
  std::string name = "samples";
};

/// A data set whose samples are rows of two tensors; `get` copies nothing.
class OCELLUS_API InMemory : public Dataset {
 public:
  explicit InMemory(InMemoryConfig config);  ///< throws ShapeError when inputs and targets differ in number

  int64_t size() const override { return size_; }
  Sample get(int64_t i, Rng& rng) const override;
  std::string name() const override { return name_; }
  std::vector<std::string> class_names() const override { return classes_; }
  Shape input_shape() const override { return input_shape_; }
  bool in_memory() const override { return true; }

  const Tensor& inputs() const { return inputs_; }
  const Tensor& targets() const { return targets_; }

 private:
  Tensor inputs_, targets_;
  Shape input_shape_, target_shape_;
  int64_t size_ = 0;
  std::vector<std::string> classes_;
  std::string name_;
};

}  // namespace data
}  // namespace ocellus
