#include "io/onnx/support/exporter.h"

#include <limits>

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <ocellus/base/error.h>
#include <ocellus/base/file.h>
#include <ocellus/base/version.h>

#include "io/onnx/support/graph_writer.h"
#include "io/onnx/support/metadata.h"

namespace ocellus::io::onnx_io {
namespace {

constexpr int64_t ir_version = 9;  // the one that came with the operators' version

}  // namespace

void export_model(const Model& model, const std::filesystem::path& path) {
  onnx::ModelProto proto;
  proto.set_ir_version(ir_version);
  proto.set_producer_name("ocellus");
  proto.set_producer_version(OCELLUS_VERSION);
  auto& set = *proto.add_opset_import();
  set.set_domain("");
  set.set_version(written_opset);
  auto& graph = *proto.mutable_graph();
  graph.set_name(model.name());
  GraphWriter(model, graph).write();
  for (const auto& [key, value] : metadata_of(model)) {
    auto& entry = *proto.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  const size_t bytes = proto.ByteSizeLong();
  if (bytes > size_t{std::numeric_limits<int>::max()})
    throw Unsupported(
        fmt::format("{}: {} bytes are more than one ONNX file holds, which is 2 GB", path.string(), bytes));
  write_atomically(path, proto.SerializeAsString());
}

}  // namespace ocellus::io::onnx_io
