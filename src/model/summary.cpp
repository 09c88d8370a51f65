// The table that Keras prints: one row a call, with what it gives, holds and comes from.
#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "model/state.h"

namespace ocellus {
namespace {

/// 12345 as "12,345".
std::string thousands(int64_t n) {
  std::string digits = std::to_string(n);
  for (int64_t at = static_cast<int64_t>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<size_t>(at), 1, ',');
  return digits;
}

std::string size_text(int64_t bytes) {
  const char* units[] = {"B", "KB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(units)) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.2f} {}", value, units[unit]);
}

std::string shape_text(const Shape& shape, bool channels_first) {
  std::vector<std::string> dims;
  for (const int64_t d : shape) dims.push_back(d == any_dim ? "None" : std::to_string(d));
  if (!channels_first && dims.size() > 2) std::rotate(dims.begin() + 1, dims.begin() + 2, dims.end());
  return fmt::format("({})", fmt::join(dims, ", "));
}

int64_t macs_of(const LayerCall& call) {
  int64_t macs = 0;
  for (const auto& node : call.nodes) {
    Types in, out;
    for (const TensorType& t : node->input_types()) in.push_back(with_batch(t, 1));
    for (const TensorType& t : node->types()) out.push_back(with_batch(t, 1));
    macs += node->op().macs(in, out);
  }
  return macs;
}

/// Columns as wide as their widest cell, numbers to the right.
class Table {
 public:
  Table(std::vector<std::string> titles, std::vector<bool> right) : right_(std::move(right)) { add(std::move(titles)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  std::string text() const {
    std::vector<size_t> widths(right_.size());
    for (const auto& row : rows_)
      for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
    size_t total = 1;
    for (const size_t w : widths) total += w + 2;
    std::string text = std::string(total, '_') + "\n";
    for (size_t r = 0; r < rows_.size(); ++r) {
      std::string line;
      for (size_t c = 0; c < widths.size(); ++c)
        line += right_[c] ? fmt::format(" {:>{}} ", rows_[r][c], widths[c]) : fmt::format(" {:<{}} ", rows_[r][c], widths[c]);
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + "\n";
      if (r == 0) text += std::string(total, '=') + "\n";
    }
    return text + std::string(total, '_') + "\n";
  }

 private:
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

struct Totals {
  int64_t parameters = 0, trainable = 0, macs = 0, bytes = 0;
};

class Summary {
 public:
  Summary(const Model::State& state, const SummaryConfig& config) : state_(state), config_(config) {}

  std::string text() {
    std::vector<std::string> titles = {"Layer (type)", "Output Shape", "Param #"};
    std::vector<bool> right = {false, false, true};
    if (config_.costs) {
      titles.insert(titles.end(), {"MACs", "Activation bytes"});
      right.insert(right.end(), {true, true});
    }
    titles.push_back("Connected to");
    right.push_back(false);
    Table table(titles, right);
    for (const LayerCall& call : state_.calls) table.add(row(call));
    std::string text = fmt::format("Model: \"{}\"\n{}", state_.name, table.text());
    const Totals& t = totals_;
    const auto line = [&](const char* what, int64_t n) {
      text += fmt::format(" {}: {} ({})\n", what, thousands(n), size_text(4 * n));
    };
    line("Total params", t.parameters);
    line("Trainable params", t.trainable);
    line("Non-trainable params", t.parameters - t.trainable);
    if (config_.costs)
      text += fmt::format(" Total MACs: {}\n Activations: {} bytes ({}) per sample\n", thousands(t.macs), thousands(t.bytes),
                          size_text(t.bytes));
    return text;
  }

 private:
  std::vector<std::string> row(const LayerCall& call) {
    const std::string kind = call.layer ? call.layer->kind : "Input";
    std::vector<std::string> shapes, sources;
    int64_t bytes = 0;
    for (const Value& v : call.outputs) {
      shapes.push_back(shape_text(v.shape(), config_.channels_first));
      bytes += static_cast<int64_t>(bytes_of(with_batch(v.type(), 1)));
    }
    for (const size_t s : call.sources) sources.push_back(state_.calls[s].name);
    std::vector<std::string> cells = {fmt::format("{} ({})", call.name, kind), fmt::format("{}", fmt::join(shapes, " ")),
                                      thousands(count_parameters(call))};
    if (config_.costs) {
      const int64_t macs = macs_of(call);
      cells.insert(cells.end(), {thousands(macs), thousands(bytes)});
      totals_.macs += macs;
      totals_.bytes += bytes;
    }
    cells.push_back(fmt::format("{}", fmt::join(sources, ", ")));
    return cells;
  }

  /// A layer's own; a second call has the same, which count once in the totals.
  int64_t count_parameters(const LayerCall& call) {
    int64_t count = 0;
    std::unordered_set<const Parameter*> here;
    for (const auto& node : call.nodes) {
      const auto* op = node->as<ParameterOp>();
      if (!op || !here.insert(op->parameter.get()).second) continue;
      const int64_t n = op->parameter->shape().numel();
      count += n;
      if (!seen_.insert(op->parameter.get()).second) continue;
      totals_.parameters += n;
      if (op->parameter->learns()) totals_.trainable += n;
    }
    return count;
  }

  const Model::State& state_;
  SummaryConfig config_;
  Totals totals_;
  std::unordered_set<const Parameter*> seen_;
};

}  // namespace

std::string Model::summary(const SummaryConfig& config) const {
  return Summary(*state_, config).text();
}

}  // namespace ocellus
