#include "io/onnx/support/listing.h"

#include <algorithm>

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include "io/onnx/support/model_file.h"
#include "io/onnx/support/tensor.h"

namespace ocellus::io::onnx_io {
namespace {

template <class List>
std::string joined(const List& list) {
  constexpr int most = 16;
  std::string text = fmt::format("[{}", fmt::join(list.begin(), list.begin() + std::min<int>(list.size(), most), ","));
  return text + (list.size() > most ? ",...]" : "]");
}

std::string text_of(const onnx::AttributeProto& a) {
  using onnx::AttributeProto;
  switch (a.type()) {
    case AttributeProto::INT: return std::to_string(a.i());
    case AttributeProto::FLOAT: return fmt::format("{}", a.f());
    case AttributeProto::STRING: return a.s().substr(0, 64);
    case AttributeProto::INTS: return joined(a.ints());
    case AttributeProto::FLOATS: return joined(a.floats());
    case AttributeProto::TENSOR: return type_name(a.t().data_type()) + joined(a.t().dims());
    default: return "...";
  }
}

std::string text_of(const onnx::ValueInfoProto& v) {
  if (!v.type().has_tensor_type()) return "no tensor";
  std::vector<std::string> dims;
  for (const auto& d : v.type().tensor_type().shape().dim())
    dims.push_back(d.has_dim_value() ? std::to_string(d.dim_value()) : d.dim_param().empty() ? "?" : d.dim_param());
  return fmt::format("{}[{}]", type_name(v.type().tensor_type().elem_type()), fmt::join(dims, ","));
}

uint64_t stored_bytes(const onnx::TensorProto& t) {
  for (const auto& e : t.external_data())
    if (e.key() == "length") return std::strtoull(e.value().c_str(), nullptr, 10);
  return t.ByteSizeLong();
}

}  // namespace

FileContent list_model(const std::filesystem::path& path) {
  const ModelFile file(path);
  const auto& proto = file.proto();
  FileContent content;
  const auto add = [&](const std::string& key, const std::string& value) {
    if (!value.empty()) content.metadata.emplace_back(key, value);
  };
  add("ir_version", std::to_string(proto.ir_version()));
  add("opset", std::to_string(file.opset()));
  add("producer", proto.producer_name() + (proto.producer_version().empty() ? "" : " " + proto.producer_version()));
  add("graph", proto.graph().name());
  for (const auto& entry : proto.metadata_props()) add(entry.key(), entry.value());
  for (const auto& v : proto.graph().input()) add("input " + v.name(), text_of(v));
  for (const auto& v : proto.graph().output()) add("output " + v.name(), text_of(v));
  for (const auto& node : proto.graph().node()) {
    std::string detail = fmt::format("{} -> {}", fmt::join(node.input(), ", "), fmt::join(node.output(), ", "));
    for (const auto& a : node.attribute()) detail += fmt::format("; {}={}", a.name(), text_of(a));
    content.layers.push_back({.name = node.name(), .kind = node.op_type(), .detail = detail});
  }
  for (const auto& t : proto.graph().initializer())
    content.tensors.push_back({.name = t.name(),
                               .dtype = type_name(t.data_type()),
                               .shape = {t.dims().begin(), t.dims().end()},
                               .bytes = stored_bytes(t)});
  return content;
}

}  // namespace ocellus::io::onnx_io
