// Two models side by side: where their answers part.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ocellus/model/model.h>

namespace ocellus::io {

/// A layer of one model and its counterpart in the other.
struct LayerDifference {
  std::string first, second;                 ///< names; `second` is empty where there is no counterpart
  std::vector<int64_t> shape;                ///< of the first one's output
  double largest = 0;                        ///< the largest difference of two elements
  double magnitude = 0;                      ///< the largest element of either
  int64_t element = 0;                       ///< where the difference is largest, in plain order
  double first_value = 0, second_value = 0;  ///< there
  bool agrees = false;
};

struct OCELLUS_API ModelDifference {
  std::vector<LayerDifference> layers;  ///< in the first model's order of computation
  std::vector<LayerDifference> outputs;
  std::optional<size_t> parting;  ///< the first of `layers` from which nothing leads back to agreement
  bool agree() const;             ///< and the outputs, those of one name or else of one place, are the same
};

struct CompareConfig {
  double tolerance = 1e-4;  ///< of the layer's largest element, or of one where that is smaller
};

/// Computes every layer of both models and pairs them: those of one name first, then, in order, those of one shape (dimensions of
/// one don't count), where values that agree decide. A layer that one model computes in two steps and the other in one parts them
/// only if what follows differs as well. Throws ShapeError for inputs that don't fit.
OCELLUS_API ModelDifference compare_models(const Model& first, const Model& second,
                                           std::span<const Tensor> first_inputs, std::span<const Tensor> second_inputs,
                                           const CompareConfig& config = {});

}  // namespace ocellus::io
