#include "io/onnx/support/metadata.h"

#include <nlohmann/json.hpp>

#include <ocellus/base/error.h>

#include "model/compile_json.h"

namespace ocellus::io::onnx_io {
namespace {

constexpr const char* preprocess_key = "ocellus.preprocess";
constexpr const char* classes_key = "ocellus.classes";

}  // namespace

std::map<std::string, std::string> metadata_of(const Model& model) {
  std::map<std::string, std::string> texts = model.metadata();
  texts[preprocess_key] = preprocess_to_json(model.preprocess());
  if (!model.class_names().empty()) texts[classes_key] = nlohmann::json(model.class_names()).dump();
  return texts;
}

void apply_metadata(const std::map<std::string, std::string>& texts, const std::string& source, Model& model) {
  for (const auto& [key, text] : texts) {
    if (key == preprocess_key) {
      model.set_preprocess(preprocess_from_json(text, source));
    } else if (key == classes_key) {
      try {
        model.set_class_names(nlohmann::json::parse(text).get<std::vector<std::string>>());
      } catch (const nlohmann::json::exception& e) {
        throw FormatError(source, std::string("metadata ") + key, e.what());
      }
    } else {
      model.set_metadata(key, text);
    }
  }
}

}  // namespace ocellus::io::onnx_io
