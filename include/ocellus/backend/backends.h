// The backends of this build, by name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <ocellus/engine/backend.h>

namespace ocellus {

/// How a backend picks among algorithms that give slightly different bits: `exact` keeps to direct ones, `standard` to fixed
/// rules, `time` measures each shape once.
enum class Algorithms : uint8_t { time, standard, exact };
OCELLUS_API std::span<const std::string_view> enum_names(Algorithms);

struct BackendConfig {
  Algorithms algorithms = Algorithms::time;
  std::string cache_path = {};  ///< file that keeps measured choices between processes; none when empty
};

/// "onednn" or "reference"; throws UsageError listing them for any other name.
OCELLUS_API BackendPtr make_backend(std::string_view name, const BackendConfig& config = {});
OCELLUS_API std::vector<std::string> backend_names();

}  // namespace ocellus
