// A ring of `ahead` slots stands between the workers and the caller. A worker claims the next batch number when its
// slot is free, fills it without holding the lock, and marks it ready; the caller takes the slots in order. Which
// worker makes which batch is chance, what is in it is not: the order of samples is drawn once an epoch, and each
// sample's generator is named by (seed, epoch, sample number).
#include <ocellus/data/loader.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/data/decorators.h>

#include "data/convert.h"

namespace ocellus::data {
namespace {

/// Memory of batches, lent out as shared pointers that bring it back. It outlives the loader while a batch is held.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  Tensor tensor(DType dtype, const Shape& shape) {
    const size_t bytes = static_cast<size_t>(shape.numel()) * size_of(dtype);
    Block block = take(bytes);
    void* data = block.memory.get();
    std::shared_ptr<const void> owner(data, [pool = shared_from_this(), block = std::move(block)](const void*) mutable {
      pool->give(std::move(block));
    });
    return Tensor::view(dtype, shape, data, std::move(owner));
  }

 private:
  struct Block {
    std::shared_ptr<void> memory;
    size_t bytes = 0;
  };

  /// The smallest block that is large enough.
  Block take(size_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      auto best = free_.end();
      for (auto it = free_.begin(); it != free_.end(); ++it)
        if (it->bytes >= bytes && (best == free_.end() || it->bytes < best->bytes)) best = it;
      if (best != free_.end()) {
        Block block = std::move(*best);
        free_.erase(best);
        return block;
      }
    }
    return {allocate(bytes), bytes};
  }

  void give(Block block) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(block));
  }

  std::mutex mutex_;
  std::vector<Block> free_;
};

}  // namespace

class Loader::Impl {
 public:
  Impl(const Dataset& dataset, LoaderConfig config) : dataset_(dataset), config_(std::move(config)) {
    if (config_.batch < 1) throw UsageError(fmt::format("a batch takes at least one sample, not {}", config_.batch));
    if (config_.workers < 0) {
      const int cores = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 8u));
      config_.workers = dataset_.in_memory() ? 0 : cores;
    }
    if (config_.ahead < 1) config_.ahead = 2 * config_.workers;
    slots_.resize(static_cast<size_t>(config_.workers > 0 ? config_.ahead : 0));
    start(0, 0);
  }

  ~Impl() { stop(); }

  void start(int64_t epoch, int64_t first) {
    if (first < 0 || first > batches())
      throw UsageError(
          fmt::format("an epoch of {} has {} batches: can't start at {}", dataset_.name(), batches(), first));
    stop();
    claimed_ = taken_ = first;
    for (Slot& slot : slots_) slot = {};
    epoch_rng_ = Rng(config_.seed).fork("sample").fork(static_cast<uint64_t>(epoch));
    if (config_.shuffle) order_ = permutation(dataset_.size(), config_.seed, static_cast<uint64_t>(epoch));
    stopping_ = false;
    started_ = false;
  }

  bool next(Batch& batch) {
    if (taken_ >= batches()) return false;
    batch = {};  // gives its memory back before the next is asked for
    if (config_.workers == 0) {
      batch = make(taken_++);
      return true;
    }
    if (!std::exchange(started_, true))
      for (int i = 0; i < config_.workers; ++i) threads_.emplace_back([this] { work(); });
    Slot slot;
    {
      std::unique_lock lock(mutex_);
      Slot& mine = slot_of(taken_);
      ready_.wait(lock, [&] { return mine.ready; });
      slot = std::exchange(mine, {});
      ++taken_;
    }
    free_.notify_one();
    if (slot.error) std::rethrow_exception(slot.error);
    batch = std::move(slot.batch);
    return true;
  }

  int64_t batches() const {
    return config_.drop_last ? dataset_.size() / config_.batch : (dataset_.size() + config_.batch - 1) / config_.batch;
  }

  int workers() const { return config_.workers; }

 private:
  struct Slot {
    bool ready = false;
    Batch batch;
    std::exception_ptr error;
  };

  Slot& slot_of(int64_t batch) { return slots_[static_cast<size_t>(batch) % slots_.size()]; }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    free_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  void work() {
    for (;;) {
      int64_t mine = 0;
      {
        std::unique_lock lock(mutex_);
        free_.wait(lock, [&] { return stopping_ || claimed_ >= batches() || claimed_ < taken_ + config_.ahead; });
        if (stopping_ || claimed_ >= batches()) return;
        mine = claimed_++;
      }
      Slot done{.ready = true, .batch = {}, .error = nullptr};
      try {
        done.batch = make(mine);
      } catch (...) {
        done.error = std::current_exception();
      }
      {
        const std::lock_guard lock(mutex_);
        slot_of(mine) = std::move(done);
      }
      ready_.notify_one();
    }
  }

  /// One sample with its augmentations.
  Sample sample(int64_t i) const {
    Rng rng = epoch_rng_.fork(static_cast<uint64_t>(i));
    Sample sample = dataset_.get(i, rng);
    for (const Augment& change : config_.augment) change(sample, rng);
    return sample;
  }

  [[noreturn]] void rethrow_named(const std::exception& e, int64_t i) const {
    const std::string name = dataset_.where(i), what = e.what();
    if (what.find(name) != std::string::npos) throw;
    const auto* known = dynamic_cast<const Error*>(&e);
    throw Error(name + ": " + what, known != nullptr ? known->exit_code() : ExitCode::failure);
  }

  Batch make(int64_t number) const {
    const int64_t begin = number * config_.batch, end = std::min(begin + config_.batch, dataset_.size());
    Filling filling;
    filling.batch.index = number;
    for (int64_t k = begin; k < end; ++k) {
      const int64_t i = config_.shuffle ? order_[static_cast<size_t>(k)] : k;
      try {
        put(sample(i), k - begin, end - begin, filling);
      } catch (const std::exception& e) {
        rethrow_named(e, i);
      }
    }
    return std::move(filling.batch);
  }

  /// A batch and what its first sample told about all of them.
  struct Filling {
    Batch batch;
    Shape input, prepared;  ///< of one sample, before and after preprocessing
    size_t target_bytes = 0;
  };

  void put(const Sample& one, int64_t row, int64_t rows, Filling& filling) const {
    Batch& batch = filling.batch;
    if (row == 0) {
      filling.input = one.input.shape();
      filling.prepared = output_shape(config_.preprocess, filling.input);
      batch.inputs = pool_->tensor(DType::f32, stacked(rows, filling.prepared));
      if (one.target) batch.targets = pool_->tensor(one.target.dtype(), stacked(rows, one.target.shape()));
      filling.target_bytes = one.target.bytes();
    } else {
      check_alike(one, filling);
    }
    float* out = static_cast<float*>(batch.inputs.data()) + row * (batch.inputs.numel() / rows);
    apply_shaped(config_.preprocess, filling.prepared, one.input, out);
    if (one.target)
      std::memcpy(static_cast<std::byte*>(batch.targets.data()) + static_cast<size_t>(row) * filling.target_bytes,
                  one.target.data(), filling.target_bytes);
  }

  void check_alike(const Sample& one, const Filling& filling) const {
    const Batch& batch = filling.batch;
    if (one.input.shape() != filling.input && output_shape(config_.preprocess, one.input.shape()) != filling.prepared)
      throw ShapeError(fmt::format("its shape {} is not the {} of the batch's first sample: give a size to resize to",
                                   one.input.shape().to_string(), filling.input.to_string()));
    if (bool(one.target) != bool(batch.targets) ||
        (one.target &&
         (one.target.dtype() != batch.targets.dtype() || !equal_rows(one.target.shape(), batch.targets.shape()))))
      throw ShapeError("its target is of another shape or dtype than that of the batch's first sample");
  }

  static Shape stacked(int64_t count, const Shape& shape) {
    std::vector<int64_t> dims = {count};
    dims.insert(dims.end(), shape.begin(), shape.end());
    return Shape(std::span<const int64_t>(dims));
  }

  static bool equal_rows(const Shape& row, const Shape& all) {
    return row.rank() + 1 == all.rank() && std::equal(row.begin(), row.end(), all.begin() + 1);
  }

  const Dataset& dataset_;
  LoaderConfig config_;
  std::shared_ptr<Pool> pool_ = std::make_shared<Pool>();
  std::vector<int64_t> order_;
  Rng epoch_rng_;
  bool started_ = false;

  std::mutex mutex_;  // guards what follows
  std::condition_variable ready_, free_;
  std::vector<Slot> slots_;
  int64_t claimed_ = 0;  ///< batches that a worker has begun
  int64_t taken_ = 0;    ///< batches that the caller has had
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

Loader::Loader(const Dataset& dataset, LoaderConfig config)
    : impl_(std::make_unique<Impl>(dataset, std::move(config))) {}
Loader::~Loader() = default;
void Loader::start(int64_t epoch, int64_t first) { impl_->start(epoch, first); }
bool Loader::next(Batch& batch) { return impl_->next(batch); }
int64_t Loader::batches() const { return impl_->batches(); }
int Loader::workers() const { return impl_->workers(); }

}  // namespace ocellus::data
