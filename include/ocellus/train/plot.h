// Pictures of a training run, drawn for reports.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ocellus/base/export.h>
#include <ocellus/train/history.h>
#include <ocellus/train/metric.h>

namespace ocellus {

/// Draws the loss and, beside it, the first metric over the epochs, for training and validation ("val_..."), as a PNG
/// of 1200x480 pixels. Throws UsageError for an empty history, IoError when the file can't be written.
OCELLUS_API void plot_curves(const History& history, const std::filesystem::path& path);

/// Draws the matrix as a PNG, rows the actual classes, columns the predicted ones, shaded by each row's shares; counts
/// stand in the cells where there is room. `names` may be empty: then the matrix's own names are used.
OCELLUS_API void plot_confusion(const metric::ConfusionMatrix& matrix, const std::vector<std::string>& names,
                                const std::filesystem::path& path);

}  // namespace ocellus
