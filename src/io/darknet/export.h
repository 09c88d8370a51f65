// Models back into .cfg and .weights.
#pragma once

#include <filesystem>
#include <string>

#include <ocellus/model/model.h>

#include "io/darknet/weights.h"

namespace ocellus::io::darknet {

/// Keeps a file's own text and header in the model's metadata: "darknet/cfg" (or, for a text that is not UTF-8,
/// "darknet/cfg_latin1", a character a byte) and "darknet/header".
void remember(Model& model, const std::string& cfg, const WeightsHeader& header);

/// Writes both files; `path` names either. A model that still has all the parameters of the text that it was read from gives
/// that text back, and without training the same bytes; for any other one a text is written (generate.h). Throws Unsupported
/// for what darknet can't express.
void write(const Model& model, const std::filesystem::path& path);

}  // namespace ocellus::io::darknet
