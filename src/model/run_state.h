// Where a training run stands: what a checkpoint holds beside the model, so that going on from it gives the same bits.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ocellus {

using Numbers = std::map<std::string, double>;

struct RunState {
  // What must be the same in the run that goes on.
  int64_t batch_size = 0, samples = 0;
  uint64_t seed = 0;
  std::string optimizer, schedule;  ///< as they describe themselves

  // The next thing to do.
  int64_t epoch = 0, batch = 0;
  int64_t step = 0;  ///< updates made in this run

  // Of the epoch in progress: sums of the loss, of its parts and of each metric.
  double loss_sum = 0, loss_weight = 0;
  std::vector<double> part_sums;
  std::map<std::string, std::vector<double>> metrics;

  Numbers optimizer_scalars, schedule_state;
  std::map<std::string, Numbers> callbacks;
  std::string backend, decisions;  ///< the backend's choices among algorithms
};

std::string to_json(const RunState& state);
/// Throws FormatError naming `source`.
RunState run_state_from_json(std::string_view text, const std::string& source);

}  // namespace ocellus
