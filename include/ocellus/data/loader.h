// Loader: batches from a data set, made ahead by background workers.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ocellus/base/export.h>
#include <ocellus/data/augment.h>
#include <ocellus/data/dataset.h>
#include <ocellus/data/preprocess.h>

namespace ocellus::data {

/// How samples become batches.
struct LoaderConfig {
  int64_t batch = 32;      ///< samples in a batch; the last one of an epoch may be smaller
  bool shuffle = false;    ///< a new order each epoch, decided by (seed, epoch)
  bool drop_last = false;  ///< leave the smaller last batch out
  uint64_t seed = 0;
  int workers = -1;  ///< background threads; 0: batches are made by the caller; -1: 0 for sets in memory,
                     ///< else one a core, at most 8
  int ahead = 0;     ///< batches that may wait in the queue; 0: two a worker
  std::vector<Augment> augment = {};  ///< applied in order before `preprocess`
  Preprocess preprocess = {};         ///< turns samples into rows of the batch
};

/// Some samples together. The tensors belong to whoever holds them; letting them go gives the memory back to the loader.
struct Batch {
  Tensor inputs;      ///< f32 [B, ...]
  Tensor targets;     ///< [B, ...] of the samples' own dtype; an empty handle when they have none
  int64_t index = 0;  ///< number of the batch in its epoch
  int64_t size() const { return inputs ? inputs.shape()[0] : 0; }
};

/// Goes through a data set once an epoch. The batches depend on the configuration and the epoch alone: they are the
/// same, bit for bit, for any number of workers, and when an epoch is entered in the middle.
/// The data set must outlive the loader. One thread at a time may use a loader.
class OCELLUS_API Loader {
 public:
  Loader(const Dataset& dataset, LoaderConfig config);
  ~Loader();  ///< stops and joins the workers, whatever they are at
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// Begins an epoch at batch `first`, dropping what is left of the one before. A new loader stands at epoch 0.
  void start(int64_t epoch, int64_t first = 0);

  /// Fills in the next batch, or returns false at the end of the epoch. What a sample throws comes out here, at its
  /// batch's turn, naming the file or the sample; the batch after it can still be asked for.
  bool next(Batch& batch);

  int64_t batches() const;  ///< in a whole epoch
  int workers() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ocellus::data
