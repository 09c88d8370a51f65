// From a Keras network to a model of ours.
#pragma once

#include <ocellus/model/model.h>

#include "io/keras/weights.h"

namespace ocellus::io::keras {

/// Builds the network and fills it. Throws Unsupported listing every layer that has no counterpart here, FormatError for
/// whatever does not fit together.
Model build(const Network& network, const WeightScope& weights, const std::string& source);

}  // namespace ocellus::io::keras
