#include <ocellus/io/conformance.h>

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/engine/program.h>

#include "io/onnx/support/importer.h"
#include "io/onnx/support/operator_table.h"
#include "io/onnx/support/tensor.h"

namespace ocellus::io {
namespace {

namespace fs = std::filesystem;

/// folder/prefix0.pb, folder/prefix1.pb, ... as long as they are there.
std::vector<Tensor> numbered_tensors(const fs::path& folder, const std::string& prefix) {
  std::vector<Tensor> tensors;
  for (int i = 0; fs::exists(folder / fmt::format("{}_{}.pb", prefix, i)); ++i)
    tensors.push_back(onnx_io::read_tensor_file(folder / fmt::format("{}_{}.pb", prefix, i)));
  return tensors;
}

/// Test data in the type that the model's input has: every real type is f32 in models, and integers are i32.
Tensor fed(const Tensor& given, DType wanted) {
  if (wanted == DType::i32)
    for (int64_t i = 0; i < given.numel(); ++i)
      if (std::abs(given.at(i)) > 2147483647.0) throw Unsupported("integers of more than 32 bits");
  return given.to(wanted);
}

enum class Kind : uint8_t { real, integer, boolean };
Kind kind_of(DType dtype) {
  return is_floating(dtype) ? Kind::real : dtype == DType::boolean ? Kind::boolean : Kind::integer;
}

/// What is wrong with an output, or nothing.
std::string difference(const Tensor& got, const Tensor& wanted, const ConformanceConfig& config) {
  if (!(got.shape() == wanted.shape()) || kind_of(got.dtype()) != kind_of(wanted.dtype()))
    return fmt::format("is {}{} instead of {}{}", to_string(got.dtype()), got.shape().to_string(),
                       to_string(wanted.dtype()), wanted.shape().to_string());
  double worst = 0;
  int64_t at = -1;
  for (int64_t i = 0; i < got.numel(); ++i) {
    const double a = got.at(i), b = wanted.at(i);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    const double beyond = std::abs(a - b) - config.absolute - config.relative * std::abs(b);
    if (!(beyond <= 0) && (at < 0 || !(beyond <= worst))) worst = beyond, at = i;
  }
  if (at < 0) return "";
  return fmt::format("has {} instead of {} at element {} of {}", got.at(at), wanted.at(at), at,
                     wanted.shape().to_string());
}

/// The model is read for these very inputs, since some of the project's tests have shapes and axes among them.
std::string run_set(const fs::path& file, const fs::path& folder, const ConformanceConfig& config) {
  const auto inputs = numbered_tensors(folder, "input"), outputs = numbered_tensors(folder, "output");
  Model model = onnx_io::import_model(file, inputs);
  if (config.backend) model.set_backend(config.backend);
  const Graph& graph = model.graph();
  if (inputs.size() != graph.inputs.size())
    return fmt::format("takes {} inputs, the test has {}", graph.inputs.size(), inputs.size());
  ProgramSpec spec{.graph = graph};
  for (size_t i = 0; i < inputs.size(); ++i) spec.inputs.push_back({graph.inputs[i].dtype(), inputs[i].shape()});
  Program program = compile(spec, *model.backend());
  for (size_t i = 0; i < inputs.size(); ++i) program.input(i).copy_from(fed(inputs[i], graph.inputs[i].dtype()));
  program.run();
  if (outputs.size() > graph.outputs.size())
    return fmt::format("gives {} outputs, the test has {}", graph.outputs.size(), outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i)
    if (const std::string wrong = difference(program.output(i), outputs[i], config); !wrong.empty())
      return fmt::format("output {} {}", i, wrong);
  return "";
}

std::vector<fs::path> data_sets(const fs::path& folder) {
  std::vector<fs::path> sets;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_directory() && entry.path().filename().string().starts_with("test_data_set_"))
      sets.push_back(entry.path());
  std::ranges::sort(sets);
  return sets;
}

}  // namespace

std::span<const std::string_view> enum_names(Outcome) {
  static constexpr std::array<std::string_view, 3> names = {"passed", "failed", "unsupported"};
  return names;
}

ConformanceResult check_conformance(const fs::path& folder, const ConformanceConfig& config) {
  const fs::path file = folder / "model.onnx";
  if (!fs::is_directory(folder) || !fs::exists(file)) throw IoError(folder.string(), "is no folder with a model.onnx");
  const auto sets = data_sets(folder);
  if (sets.empty()) throw IoError(folder.string(), "has no test_data_set_* in it");
  try {
    for (const fs::path& set : sets)
      if (const std::string wrong = run_set(file, set, config); !wrong.empty())
        return {Outcome::failed, fmt::format("{}: {}", set.filename().string(), wrong)};
  } catch (const Unsupported& e) {
    const std::string prefix = file.string() + ": ", what = e.what();
    return {Outcome::unsupported, what.starts_with(prefix) ? what.substr(prefix.size()) : what};
  } catch (const Error& e) {
    return {Outcome::failed, e.what()};
  }
  return {};
}

std::vector<std::string> onnx_operators() {
  std::vector<std::string> names;
  for (const onnx_io::Lister lister : onnx_io::operators_in_listers())
    for (const onnx_io::OperatorEntry& entry : lister()) names.emplace_back(entry.name);
  std::ranges::sort(names);
  return names;
}

}  // namespace ocellus::io
