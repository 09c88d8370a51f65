// IDX files, the format of MNIST and its successors (LeCun, Cortes, Burges), plain or .gz.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <ocellus/base/export.h>
#include <ocellus/data/dataset.h>

namespace ocellus::data {

/// The two files of one IDX data set.
struct IdxFiles {
  std::filesystem::path images = {};  ///< u8, [N,H,W] or [N,C,H,W]
  std::filesystem::path labels = {};  ///< u8, [N]
};

/// Any array of an IDX file, u8, of the dimensions that it states. Throws IoError, and FormatError for a wrong magic
/// number, dimensions that don't fit the file's size, truncated or surplus data.
OCELLUS_API Tensor read_idx(const std::filesystem::path& path);

/// Images u8 [C,H,W] and labels i32 of a pair of files; classes are named "0", "1", ... up to the largest label.
/// Throws what `read_idx` throws, and FormatError when the numbers of images and labels differ.
OCELLUS_API InMemory idx(const IdxFiles& files, const std::string& name = "idx");

/// MNIST, or another set that is laid out like it, from the folder with its canonical files
/// (train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-..., each plain or .gz).
OCELLUS_API InMemory mnist(const std::filesystem::path& folder, Split split);

/// The pair of files in a folder that belongs to a split, told by "train", "t10k", "test", "val", "images" and
/// "labels" in the names; nothing when there is no such pair.
OCELLUS_API std::optional<IdxFiles> find_idx(const std::filesystem::path& folder, Split split);

}  // namespace ocellus::data
