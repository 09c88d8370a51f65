#include "model/run_state.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include <ocellus/base/error.h>

namespace ocellus {

using nlohmann::json;

std::string to_json(const RunState& s) {
  return json{{"batch_size", s.batch_size},
              {"samples", s.samples},
              {"seed", s.seed},
              {"optimizer", s.optimizer},
              {"schedule", s.schedule},
              {"epoch", s.epoch},
              {"batch", s.batch},
              {"step", s.step},
              {"loss_sum", s.loss_sum},
              {"loss_weight", s.loss_weight},
              {"part_sums", s.part_sums},
              {"metrics", s.metrics},
              {"optimizer_scalars", s.optimizer_scalars},
              {"schedule_state", s.schedule_state},
              {"callbacks", s.callbacks},
              {"backend", s.backend},
              {"decisions", s.decisions}}
      .dump();
}

RunState run_state_from_json(std::string_view text, const std::string& source) {
  RunState s;
  try {
    const json j = json::parse(text);
    j.at("batch_size").get_to(s.batch_size);
    j.at("samples").get_to(s.samples);
    j.at("seed").get_to(s.seed);
    j.at("optimizer").get_to(s.optimizer);
    j.at("schedule").get_to(s.schedule);
    j.at("epoch").get_to(s.epoch);
    j.at("batch").get_to(s.batch);
    j.at("step").get_to(s.step);
    j.at("loss_sum").get_to(s.loss_sum);
    j.at("loss_weight").get_to(s.loss_weight);
    if (j.contains("part_sums")) j.at("part_sums").get_to(s.part_sums);  // older programs did not write it
    j.at("metrics").get_to(s.metrics);
    j.at("optimizer_scalars").get_to(s.optimizer_scalars);
    j.at("schedule_state").get_to(s.schedule_state);
    j.at("callbacks").get_to(s.callbacks);
    j.at("backend").get_to(s.backend);
    j.at("decisions").get_to(s.decisions);
  } catch (const json::exception& e) {
    throw FormatError(source, "metadata training", "is damaged: " + std::string(e.what()));
  }
  if (s.epoch < 0 || s.batch < 0 || s.step < 0) throw FormatError(source, "metadata training", "counts below zero");
  return s;
}

}  // namespace ocellus
