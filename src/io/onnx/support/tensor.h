// ONNX tensors and ours.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include <ocellus/base/file.h>
#include <ocellus/tensor/tensor.h>

namespace onnx {
class TensorProto;
}

namespace ocellus::io::onnx_io {

/// Element types as files number them, and ours: integers of 16 bits and more are i64 in constants, real numbers f32.
DType constant_dtype(int onnx_type, const std::string& what);  ///< throws Unsupported, naming type and `what`
DType exact_dtype(int onnx_type, const std::string& what);     ///< f16 as f16, i32 as i32
int onnx_type_of(DType dtype);
std::string type_name(int onnx_type);  ///< "float16"

/// Files beside a model that hold tensors, mapped when first needed. No path leads outside the model's folder.
class ExternalFiles {
 public:
  explicit ExternalFiles(std::filesystem::path model) : model_(std::move(model)) {}
  std::shared_ptr<const MappedFile> open(const std::string& location);

 private:
  std::filesystem::path model_;
  std::map<std::string, std::shared_ptr<const MappedFile>> open_;
};

/// A tensor as constants have it. Where possible it is a view that keeps `owner` or the external file alive. Throws
/// FormatError's cause (ShapeError) for data of another length than the dimensions say.
Tensor to_tensor(const onnx::TensorProto& proto, const std::shared_ptr<const void>& owner, ExternalFiles* external);

/// Fills a proto with a tensor's type, dimensions and raw data.
void from_tensor(const Tensor& tensor, const std::string& name, onnx::TensorProto& proto);

/// The one TensorProto of a file, as test data have it, in its exact type.
Tensor read_tensor_file(const std::filesystem::path& path);

}  // namespace ocellus::io::onnx_io
