// The zoo: networks by name, each with a way to train it that is known to work.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ocellus/data/preprocess.h>
#include <ocellus/model/model.h>

namespace ocellus::zoo {

/// What may be changed of a network.
struct ZooConfig {
  int64_t classes = 0;  ///< outputs; 0: as published
  Shape input = {};     ///< [C,H,W]; empty: as published
  uint64_t seed = 0;    ///< of the parameters
};

/// How a network is trained; a caller may change any of it.
struct Preset {
  Handle<optim::Optimizer> optimizer = {};
  Handle<schedule::Schedule> schedule = {};
  int64_t batch = 64, epochs = 10;
  std::vector<data::Augment> augment = {};
  std::string augment_text = "none";  ///< for people: "mirror, pad and crop by 4"
  Loss loss = loss::softmax_cross_entropy();
  data::Preprocess preprocess = {};   ///< sizes and channels are set from the model's input
};

/// A network of the zoo.
struct Entry {
  std::string_view name;         ///< "resnet20"
  std::string_view description;  ///< one line, with the paper
  Model (*make)(const ZooConfig& config);
  Preset (*preset)();
};

/// Builds a network, with fresh parameters and the preset's preprocessing. Throws UsageError for an unknown name, with the
/// nearest known one, and for an input that is no [C,H,W].
OCELLUS_API Model create(std::string_view name, const ZooConfig& config = {});
OCELLUS_API Preset preset(std::string_view name);
/// All networks, by name.
OCELLUS_API std::vector<Entry> entries();

}  // namespace ocellus::zoo
