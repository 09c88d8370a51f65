// A darknet network while its sections become layers, and the table of what each section does.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <ocellus/data/preprocess.h>
#include <ocellus/graph/parameter.h>

#include "io/darknet/cfg.h"
#include "io/darknet/weights.h"
#include "io/emit.h"

namespace ocellus::io::darknet {

/// Numbers of the .weights file, in its order, and where they go.
struct Stored {
  ParameterPtr parameter;
  bool transposed = false;  ///< the file has the matrix [rows, columns] of the parameter as [columns, rows]
};

/// A section's parameters in the order of the file.
struct StoredName {
  std::string_view name;
  bool transposed = false;
};

/// What sections read and leave behind.
class Network {
 public:
  /// `weights` may be null: parameters then stay fresh.
  Network(const Section& net, WeightsReader* weights);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// Builds the next section.
  void add(const Section& section);

  // What a section's function uses.
  const Value& input() const { return current_; }  ///< the section before
  int64_t index() const { return static_cast<int64_t>(outputs_.size()); }
  /// The output of another section: a number of one before, or below 0 counted back from this one.
  const Value& output(const Section& section, int64_t reference) const;
  /// Throws FormatError where the section needs more numbers than the file, or a network, can have. Factors are not
  /// multiplied before they are checked.
  void need(const Section& section, std::initializer_list<int64_t> factors);
  /// Counts operators of a section that emits many; throws FormatError for more than a network can have.
  void spend(const Section& section, int64_t operators);
  /// A layer of this section that emits through `fn`; its parameters are then filled from the file in the order of `stored`.
  Value layer(const Section& section, const Values& inputs, NodeLayer::Emit fn,
              std::initializer_list<StoredName> stored = {});
  /// A layer that emits its operators without parameters of its own.
  Value layer(const Section& section, const Values& inputs, const std::function<Value(const Values&)>& fn);
  /// Makes the section's input an output of the model, and says how boxes are read from it (detector_json.h).
  void head(const Section& section, nlohmann::json description);
  bool transposed_file() const { return weights_ && weights_->header().transposed(); }
  int64_t width() const { return width_; }
  int64_t height() const { return height_; }

  // What is left behind.
  const Value& network_input() const { return start_; }
  Values outputs() const;  ///< of the heads, or of the last section when there are none
  const std::vector<Stored>& stored() const { return stored_; }
  data::Preprocess preprocess() const;
  std::string detector() const;  ///< JSON for the model's metadata; empty without heads
  int64_t classes() const;       ///< of the heads, or values of the output

 private:
  Value start_, current_;
  int64_t width_ = 0, height_ = 0;
  bool letterbox_ = false;
  int64_t numbers_ = 0;    ///< parameters so far, in elements
  int64_t operators_ = 0;  ///< counted so far
  WeightsReader* weights_;
  std::vector<Value> outputs_;
  std::vector<Stored> stored_;
  Values heads_;
  std::unique_ptr<nlohmann::json> descriptions_;
};

/// How a kind of section becomes a value. A null function: it only matters in training.
struct SectionKind {
  std::string_view name;
  Value (*build)(Network& network, const Section& section);
};

using Lister = std::span<const SectionKind> (*)();
std::span<const Lister> darknet_sections_in_listers();  ///< generated from the files of sections/

/// f(x) for the section's `activation`, or for the function of that name where it has none; throws FormatError for a name
/// that darknet does not have, Unsupported for a function that it has and we don't.
Value activated(const Section& section, const Value& x, std::string_view otherwise);
/// All sections, in order; `weights` may be null. Throws Unsupported listing every kind of section that has no counterpart.
void build(const Cfg& cfg, Network& network);

}  // namespace ocellus::io::darknet
