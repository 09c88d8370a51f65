#include "backend/onednn/channel_order.h"

namespace ocellus::onednn {

std::optional<ChannelOrder> channel_order(const Desc& desc, dnnl::memory::data_type type) {
  const auto& d = desc.data;
  if (d.format_kind != dnnl_blocked || desc.data_type() != type || d.ndims < 3 || d.offset0 != 0) return std::nullopt;
  const auto& b = d.format_desc.blocking;
  if (b.inner_nblks > 1 || (b.inner_nblks == 1 && b.inner_idxs[0] != 1)) return std::nullopt;
  ChannelOrder o;
  o.samples = d.dims[0];
  o.channels = d.dims[1];
  o.sample = b.strides[0];
  o.lanes = b.inner_nblks == 1 ? b.inner_blks[0] : 1;
  o.block = b.strides[1];
  o.position = b.strides[d.ndims - 1];
  for (int i = d.ndims - 1; i >= 2; --i) {
    if (b.strides[i] != o.position * o.positions) return std::nullopt;
    o.positions *= d.dims[i];
  }
  if (b.inner_nblks == 0 && b.strides[1] == 1) {  // channels last: one block of them all
    o.lanes = o.channels;
    o.block = o.sample;
  }
  return o;
}

}  // namespace ocellus::onednn
