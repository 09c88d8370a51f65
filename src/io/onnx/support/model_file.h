// An ONNX file in memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace onnx {
class ModelProto;
}

namespace ocellus::io::onnx_io {

/// Parses a file of up to 2 GB. Throws FormatError for one that is no ONNX model, Unsupported for one without a version of the
/// default operators.
class ModelFile {
 public:
  explicit ModelFile(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }
  const onnx::ModelProto& proto() const { return *proto_; }
  std::shared_ptr<const void> owner() const { return proto_; }  ///< what views of its tensors keep alive
  std::string name() const;                                     ///< the graph's, or the file's
  int64_t opset() const { return opset_; }

 private:
  std::filesystem::path path_;
  std::shared_ptr<const onnx::ModelProto> proto_;
  int64_t opset_ = 0;
};

}  // namespace ocellus::io::onnx_io
