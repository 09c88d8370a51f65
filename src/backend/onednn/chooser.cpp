#include "backend/onednn/chooser.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/base/file.h>

namespace ocellus::onednn {
namespace {

constexpr std::string_view first_line = "ocellus algorithms 1";
constexpr std::string_view separator = " = ";
constexpr uint64_t most_bytes = uint64_t{16} << 20;

}  // namespace

AlgorithmChooser::AlgorithmChooser(std::filesystem::path cache) : cache_(std::move(cache)), choices_(cached()) {}

AlgorithmChooser::~AlgorithmChooser() {
  if (cache_.empty() || !measured_) return;
  try {
    Choices all = cached();  // another process may have written since
    for (const auto& [key, choice] : choices_) all[key] = choice;
    write_atomically(cache_, fmt::format("{}\n{}", first_line, print(all)));
  } catch (const std::exception&) {  // the next process measures again
  }
}

size_t AlgorithmChooser::choose(const std::string& key, std::span<const std::string_view> names,
                                const std::function<double(size_t)>& seconds) {
  if (const auto found = choices_.find(key); found != choices_.end())
    for (size_t i = 0; i < names.size(); ++i)
      if (names[i] == found->second) return i;
  constexpr int rounds = 2;  // in turn, so that a disturbance of the machine hits all
  std::vector<double> least(names.size());
  for (int round = 0; round < rounds; ++round)
    for (size_t i = 0; i < names.size(); ++i) {
      const double time = seconds(i);
      least[i] = round == 0 ? time : std::min(least[i], time);
    }
  constexpr double margin =
      0.95;  // the first candidate stays unless it is clearly beaten: near ties must not be a lottery
  const size_t fastest = std::ranges::min_element(least) - least.begin();
  const size_t best = least[fastest] < margin * least[0] ? fastest : 0;
  choices_[key] = names[best];
  measured_ = true;
  return best;
}

std::string AlgorithmChooser::text() const { return print(choices_); }

void AlgorithmChooser::restore(std::string_view text) {
  for (auto& [key, choice] : parse(text)) choices_[key] = choice;
}

AlgorithmChooser::Choices AlgorithmChooser::parse(std::string_view text) {
  Choices choices;
  for (int line = 1; !text.empty(); ++line) {
    const size_t end = text.find('\n');
    const std::string_view row = text.substr(0, end);
    const size_t at = row.rfind(separator);
    if (end == text.npos || at == row.npos || at == 0 || at + separator.size() == row.size())
      throw FormatError("choices of algorithms", "line " + std::to_string(line),
                        "expected \"shape = algorithm\", got \"" + std::string(row.substr(0, 80)) + "\"");
    choices.emplace(row.substr(0, at), row.substr(at + separator.size()));
    text.remove_prefix(end + 1);
  }
  return choices;
}

std::string AlgorithmChooser::print(const Choices& choices) {
  std::string text;
  for (const auto& [key, choice] : choices) text += key + std::string(separator) + choice + "\n";
  return text;
}

AlgorithmChooser::Choices AlgorithmChooser::cached() const {
  if (cache_.empty()) return {};
  try {
    const std::string file = read_file(cache_, most_bytes);
    const std::string_view text = file;
    if (!text.starts_with(first_line) || text.size() <= first_line.size() || text[first_line.size()] != '\n') return {};
    return parse(text.substr(first_line.size() + 1));
  } catch (const Error&) {  // absent or damaged: measured and written again
    return {};
  }
}

}  // namespace ocellus::onednn
