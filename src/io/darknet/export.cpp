#include "io/darknet/export.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include <ocellus/base/error.h>

#include "io/darknet/generate.h"
#include "io/darknet/network.h"

namespace ocellus::io::darknet {
namespace {

constexpr const char *cfg_key = "darknet/cfg", *latin1_key = "darknet/cfg_latin1", *header_key = "darknet/header";

/// A character of UTF-8 for each byte.
std::string widened(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      text += static_cast<char>(0xc0 | byte >> 6);
      text += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return text;
}

std::string narrowed(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80 || i + 1 == text.size())
      bytes += text[i];
    else
      bytes += static_cast<char>(static_cast<unsigned char>(text[++i] & 0x3f) | (byte & 0x03) << 6);
  }
  return bytes;
}

std::string original(const Model& model) {
  const auto& metadata = model.metadata();
  if (const auto it = metadata.find(cfg_key); it != metadata.end()) return it->second;
  if (const auto it = metadata.find(latin1_key); it != metadata.end()) return narrowed(it->second);
  return "";
}

WeightsHeader header_of(const Model& model) {
  const auto it = model.metadata().find(header_key);
  return (it == model.metadata().end() ? std::nullopt : WeightsHeader::from_text(it->second)).value_or(WeightsHeader());
}

Tensor turned(const Tensor& matrix) {
  const int64_t rows = matrix.shape()[0], columns = matrix.numel() / rows;
  Tensor out(DType::f32, {columns, rows});
  for (int64_t i = 0; i < rows * columns; ++i)
    out.as<float>()[static_cast<size_t>(i % columns * rows + i / columns)] = matrix.as<float>()[static_cast<size_t>(i)];
  return out;
}

/// The weights in the order of the model's own text, if it still has exactly those.
std::optional<std::vector<Tensor>> weights_for(const Model& model, const std::string& text,
                                               const WeightsHeader& header) {
  const Cfg cfg = parse(text, "the cfg that the model was read from");
  Network network(cfg.sections.front(), nullptr);
  build(cfg, network);
  const auto parameters = model.parameters();
  if (parameters.size() != network.stored().size()) return std::nullopt;
  std::vector<Tensor> weights;
  for (const Stored& stored : network.stored()) {
    const std::string path = stored.parameter->path();
    const auto it = std::ranges::find_if(parameters, [&](const ParameterPtr& p) { return p->path() == path; });
    if (it == parameters.end() || !((*it)->shape() == stored.parameter->shape())) return std::nullopt;
    const bool connected = path.starts_with("connected_") && path.ends_with("/kernel");
    weights.push_back(stored.transposed || (connected && header.transposed()) ? turned((*it)->value())
                                                                              : (*it)->value());
  }
  return weights;
}

}  // namespace

void remember(Model& model, const std::string& cfg, const WeightsHeader& header) {
  if (is_utf8(cfg))
    model.set_metadata(cfg_key, cfg);
  else
    model.set_metadata(latin1_key, widened(cfg));
  model.set_metadata(header_key, header.to_text());
}

void write(const Model& model, const std::filesystem::path& path) {
  std::filesystem::path cfg = path, file = path;
  cfg.replace_extension(".cfg");
  file.replace_extension(".weights");
  std::string text = original(model);
  WeightsHeader header = header_of(model);
  auto weights = text.empty() ? std::nullopt : weights_for(model, text, header);
  if (!weights) {
    Generated generated = generate(model);
    text = std::move(generated.cfg);
    weights = std::move(generated.weights);
    header = {};
  }
  write_atomically(file, [&](ByteSink& sink) {
    sink.write(header.to_bytes());
    for (const Tensor& t : *weights) sink.write(t.data(), t.bytes());
  });
  write_atomically(cfg, text);
}

}  // namespace ocellus::io::darknet
