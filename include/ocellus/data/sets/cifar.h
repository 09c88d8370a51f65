// CIFAR-10 and CIFAR-100 in the binary layout (Krizhevsky 2009), plain or .gz.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ocellus/base/export.h>
#include <ocellus/data/dataset.h>

namespace ocellus::data {

/// CIFAR-10: records of a label byte and 3072 bytes of R, G and B planes; CIFAR-100: a coarse and a fine label first.
enum class CifarKind : uint8_t { cifar10, cifar100 };

/// The records of all files, in order, as u8 [3,32,32] with i32 labels (the fine ones of CIFAR-100).
/// Throws IoError, and FormatError for a size that is no whole number of records or a label out of range.
OCELLUS_API InMemory cifar_files(const std::vector<std::filesystem::path>& files, CifarKind kind,
                                 const std::string& name = "cifar");

/// From the folder of data_batch_1.bin ... data_batch_5.bin and test_batch.bin. Other names ending in .bin or .bin.gz
/// are taken by the "train" or "test" in them. Class names come from batches.meta.txt when it is there.
OCELLUS_API InMemory cifar10(const std::filesystem::path& folder, Split split);

/// From the folder of train.bin and test.bin; class names from fine_label_names.txt when it is there, else numbers.
OCELLUS_API InMemory cifar100(const std::filesystem::path& folder, Split split);

/// The files of a split in a folder, in order; empty when there are none.
OCELLUS_API std::vector<std::filesystem::path> find_cifar(const std::filesystem::path& folder, Split split);

/// Which of the two a folder holds: 100 when fine_label_names.txt or coarse_label_names.txt lies there.
OCELLUS_API CifarKind cifar_kind(const std::filesystem::path& folder);

}  // namespace ocellus::data
