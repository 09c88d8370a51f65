// Opening a data set by what lies at a path.
#pragma once

#include <string>

#include <ocellus/base/export.h>
#include <ocellus/data/dataset.h>

namespace ocellus::data {

/// Opens `builtin:digits`, a folder of IDX files, of CIFAR binary files, of images and boxes (YoloFolder), or of class folders
/// (with or without train, val and test folders above them), told apart by what is there. Throws UsageError for an unknown built-in name,
/// IoError for a path that does not exist, FormatError, saying what was looked for, when nothing is recognised.
OCELLUS_API AnyDataset open_dataset(const std::string& path, Split split);

/// True when `open_dataset` would find that split there; throws IoError for a path that does not exist.
OCELLUS_API bool has_split(const std::string& path, Split split);

}  // namespace ocellus::data
