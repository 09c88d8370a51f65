// What the families share: a published value unless the caller asks for another.
#pragma once

#include <ocellus/zoo/zoo.h>

namespace ocellus::zoo {

inline int64_t classes_or(const ZooConfig& config, int64_t published) {
  return config.classes > 0 ? config.classes : published;
}

inline Shape input_or(const ZooConfig& config, const Shape& published) {
  return config.input.rank() > 0 ? config.input : published;
}

}  // namespace ocellus::zoo
