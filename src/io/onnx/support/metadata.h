// What a model says beyond its graph, as texts in an ONNX file's metadata: preprocessing, class names, and its own texts.
#pragma once

#include <map>
#include <string>

#include <ocellus/model/model.h>

namespace ocellus::io::onnx_io {

std::map<std::string, std::string> metadata_of(const Model& model);
/// Sets what the texts of a file say; those of other programs become the model's own. Throws FormatError for damaged ones.
void apply_metadata(const std::map<std::string, std::string>& texts, const std::string& source, Model& model);

}  // namespace ocellus::io::onnx_io
