#include <ocellus/nn/layers/space_pad.h>

#include <algorithm>

#include "nn/layers/checks.h"

namespace ocellus::nn {
namespace {

constexpr std::string_view family(PadMode mode) {
  return mode == PadMode::reflect ? "ReflectionPad" : mode == PadMode::replicate ? "ReplicationPad" : "ZeroPad";
}

/// Nothing along batch and channels, then an extent.
template <class E>
std::vector<int64_t> with_zeros(const E& extent) {
  std::vector<int64_t> dims = extent.dims();
  dims.insert(dims.begin(), {0, 0});
  return dims;
}

}  // namespace

template <class E, PadMode Mode>
SpacePad<E, Mode>::SpacePad(SpacePadConfig<E> config)
    : Layer(kind_of<E>(family(Mode)), config.name), config_(std::move(config)) {
  for (const E& side : {config_.before, config_.after.value_or(config_.before)})
    if (std::ranges::min(side.dims()) < 0)
      throw UsageError(fmt::format("{}: can't pad by {}", kind(), std::ranges::min(side.dims())));
}

template <class E, PadMode Mode>
Values SpacePad<E, Mode>::call(Build&, const Values& inputs) const {
  return {ops::pad(image(inputs, E::rank), {.before = with_zeros(config_.before),
                                            .after = with_zeros(config_.after.value_or(config_.before)),
                                            .mode = Mode})};
}

template class SpacePad<Extent1D, PadMode::constant>;
template class SpacePad<Extent, PadMode::constant>;
template class SpacePad<Extent3D, PadMode::constant>;
template class SpacePad<Extent1D, PadMode::reflect>;
template class SpacePad<Extent, PadMode::reflect>;
template class SpacePad<Extent3D, PadMode::reflect>;
template class SpacePad<Extent1D, PadMode::replicate>;
template class SpacePad<Extent, PadMode::replicate>;
template class SpacePad<Extent3D, PadMode::replicate>;

}  // namespace ocellus::nn
