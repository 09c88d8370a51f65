// A .cfg for a model that did not come from darknet.
#pragma once

#include <string>
#include <vector>

#include <ocellus/model/model.h>

namespace ocellus::io::darknet {

/// A text, and the numbers of its .weights file in order.
struct Generated {
  std::string cfg;
  std::vector<Tensor> weights;
};

/// Throws Unsupported listing every operator that darknet has no section for.
Generated generate(const Model& model);

}  // namespace ocellus::io::darknet
