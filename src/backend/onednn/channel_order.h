// Orders of values [N,C,spatial...] as a nest of sample, block of channels, position and lane.
#pragma once

#include <optional>

#include "backend/onednn/runtime.h"

namespace ocellus::onednn {

/// Where channel c of position p of sample n lies: n * sample + (c / lanes) * block + p * position + c % lanes.
struct ChannelOrder {
  int64_t samples = 0, channels = 0, positions = 1;
  int64_t lanes = 1, sample = 0, block = 0, position = 0;

  int64_t blocks() const { return (channels + lanes - 1) / lanes; }
};

/// A descriptor of values of this type with spatial dimensions as such a nest, or nothing when its order is another one: plain order,
/// channels last, and blocks of channels are.
std::optional<ChannelOrder> channel_order(const Desc& desc,
                                          dnnl::memory::data_type type = dnnl::memory::data_type::f32);

}  // namespace ocellus::onednn
