// Network descriptions of Keras, of any version, in one form.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace ocellus::io::keras {

/// One output of one call of a layer.
struct Reference {
  std::string layer;
  int64_t call = 0, output = 0;
};

struct Network;

/// A layer as its file describes it, under the names that Keras 2 and 3 have for classes and settings.
struct LayerSpec {
  std::string class_name;  ///< "Conv2D"
  std::string name;        ///< "conv2d_3"
  nlohmann::json config;
  bool trainable = true;
  int version = 3;                            ///< of Keras, its first number, of the writer
  std::vector<std::vector<Reference>> calls;  ///< what each call reads
  std::shared_ptr<const Network> network;     ///< of a network that is used as a layer
  std::vector<LayerSpec> inner;               ///< of a wrapper: the layer that it wraps
  std::string source;                         ///< the file

  [[noreturn]] void fail(const std::string& what) const;         ///< FormatError naming file and layer
  [[noreturn]] void unsupported(const std::string& what) const;  ///< Unsupported naming the layer

  /// Settings by name; the default where it is missing or null. Throw FormatError for another kind of value.
  bool has(std::string_view key) const;
  int64_t integer(std::string_view key, int64_t otherwise) const;
  int64_t integer(std::string_view key) const;  ///< must be there
  double real(std::string_view key, double otherwise) const;
  bool flag(std::string_view key, bool otherwise) const;
  std::string text(std::string_view key, const std::string& otherwise) const;
  std::vector<int64_t> integers(std::string_view key) const;  ///< a list, or one number as a list; empty where missing
  /// Sizes along `rank` dimensions; one number stands for all.
  std::vector<int64_t> extent(std::string_view key, size_t rank, int64_t otherwise) const;
  /// Numbers before and after, along `rank` dimensions: 1, [1, 2] or [[1, 1], [2, 2]].
  std::vector<std::pair<int64_t, int64_t>> sides(std::string_view key, size_t rank) const;
  bool channels_last() const;

 private:
  const nlohmann::json* find(std::string_view key) const;
  int64_t number(const nlohmann::json& value, std::string_view key) const;
};

/// Layers and how they are connected.
struct Network {
  std::string name;
  std::vector<LayerSpec> layers;
  std::vector<Reference> inputs, outputs;
};

/// Who wrote a file: "2.0.5" and "tensorflow".
struct Writer {
  int version = 3;
  std::string backend;
};

/// Reads a model's JSON. Throws FormatError for a damaged one, Unsupported for a class of models that is not Sequential or
/// functional.
Network network_from_json(std::string_view text, const std::string& source, const Writer& writer);

/// Gives a layer of Keras 1 the class and the settings of Keras 2 (keras1.cpp).
void modernise(LayerSpec& layer);

}  // namespace ocellus::io::keras
