#include "io/onnx/support/model_file.h"

#include <limits>

#include <google/protobuf/io/coded_stream.h>
#include <onnx/onnx_pb.h>

#include <ocellus/base/error.h>
#include <ocellus/base/file.h>

namespace ocellus::io::onnx_io {
namespace {

constexpr int deepest_nesting = 60;  // of messages: graphs within nodes within graphs

std::shared_ptr<const onnx::ModelProto> parsed(const std::filesystem::path& path) {
  const MappedFile file(path);
  if (file.bytes().size() > size_t{std::numeric_limits<int>::max()})
    throw FormatError(path.string(), "is over 2 GB, which no ONNX file is: larger weights lie in files of their own");
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const uint8_t*>(file.bytes().data()),
                                                static_cast<int>(file.bytes().size()));
  stream.SetRecursionLimit(deepest_nesting);
  auto proto = std::make_shared<onnx::ModelProto>();
  if (!proto->ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
    throw FormatError(path.string(), "byte " + std::to_string(stream.CurrentPosition()),
                      "the ONNX model is damaged or cut short from here on");
  if (!proto->has_graph()) throw FormatError(path.string(), "holds no ONNX graph");
  return proto;
}

}  // namespace

ModelFile::ModelFile(std::filesystem::path path) : path_(std::move(path)), proto_(parsed(path_)) {
  for (const auto& set : proto_->opset_import())
    if (set.domain().empty() || set.domain() == "ai.onnx") opset_ = set.version();
  if (opset_ == 0) throw FormatError(path_.string(), "does not say which version of the ONNX operators it uses");
}

std::string ModelFile::name() const {
  const std::string& name = proto_->graph().name();
  return name.empty() ? path_.stem().string() : name;
}

}  // namespace ocellus::io::onnx_io
