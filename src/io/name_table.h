// Tables of names: what other programs call the parameters of networks of the zoo.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ocellus/data/preprocess.h>

namespace ocellus::io::naming {

/// A layer, ours and theirs. Braces hold numbers that are carried over: "stage{a}/block{b}/conv{c}" and "layer{a}.{b-1}.conv{c}".
/// On the right any sum of numbers and multiples will do: "{6*r+3*c}".
struct NameRow {
  std::string_view ours, theirs;
  std::string_view ones = {};  ///< a parameter that the other program takes for ones, whatever the file says
};

/// What a layer's parameter is called behind the layer's name.
struct NameSuffix {
  std::string_view ours, theirs;
};

struct NameTable {
  std::string_view name;                       ///< "torchvision"
  std::span<const std::string_view> networks;  ///< of the zoo
  bool channels_last = false;                  ///< kernels are [kernel..., in, out], as in Keras
  std::span<const NameRow> rows;
  std::span<const NameSuffix> suffixes;             ///< empty: rows name whole parameters
  void (*preprocess)(data::Preprocess&) = nullptr;  ///< where it differs from the zoo's
};

using Lister = std::span<const NameTable> (*)();
std::span<const Lister> names_in_listers();

/// The table's names for a parameter "layer/kind", in the order in which they are looked for; none where no row fits.
std::vector<std::string> names_for(const NameTable& table, const std::string& layer, const std::string& kind);
/// True for a parameter that the other program takes for ones.
bool is_ones(const NameTable& table, const std::string& layer, const std::string& kind);

}  // namespace ocellus::io::naming
