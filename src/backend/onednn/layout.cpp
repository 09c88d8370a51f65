// One order of elements has many descriptors: a block of 16 channels on a 1x1 plane is row-major order, and any stride will
// do for a dimension of size one. So descriptors are compared by their digits. An element's address is a number whose
// digits are the outer dimensions and the inner blocks, each with an extent and a stride; digits of extent one are dropped,
// and neighbours of one dimension that run on without a gap are one digit. Equal digits are equal orders, and an order is
// row-major if it has one digit for each dimension, in order and without gaps.

#include "backend/onednn/layout.h"

#include <algorithm>
#include <numeric>

#include <ocellus/base/error.h>

namespace ocellus::onednn {
namespace {

struct Digit {
  int dim;
  int64_t extent, stride;
  friend bool operator==(const Digit&, const Digit&) = default;
};

bool is_blocked(const Desc& desc) { return desc.data.format_kind == dnnl_blocked && desc.data.extra.flags == 0; }

/// Product of the inner blocks of each dimension.
std::vector<int64_t> block_sizes(const Desc& desc) {
  const auto& blocking = desc.data.format_desc.blocking;
  std::vector<int64_t> sizes(desc.data.ndims, 1);
  for (int i = 0; i < blocking.inner_nblks; ++i) sizes[blocking.inner_idxs[i]] *= blocking.inner_blks[i];
  return sizes;
}

std::vector<Digit> digits_of(const Desc& desc) {
  const auto& blocking = desc.data.format_desc.blocking;
  const std::vector<int64_t> blocks = block_sizes(desc);
  std::vector<Digit> all;
  for (int d = 0; d < desc.data.ndims; ++d)
    all.push_back({d, desc.data.padded_dims[d] / blocks[d], blocking.strides[d]});
  int64_t stride = 1;
  for (int i = blocking.inner_nblks - 1; i >= 0; --i) {
    all.push_back({static_cast<int>(blocking.inner_idxs[i]), blocking.inner_blks[i], stride});
    stride *= blocking.inner_blks[i];
  }
  std::erase_if(all, [](const Digit& d) { return d.extent == 1; });
  std::ranges::stable_sort(all, [](const Digit& a, const Digit& b) { return a.stride > b.stride; });
  std::vector<Digit> merged;
  for (const Digit& d : all) {
    if (!merged.empty() && merged.back().dim == d.dim && merged.back().stride == d.extent * d.stride)
      merged.back() = {d.dim, merged.back().extent * d.extent, d.stride};
    else
      merged.push_back(d);
  }
  return merged;
}

bool is_padded(const Desc& desc) {
  const auto& data = desc.data;
  return data.offset0 != 0 || !std::equal(data.dims, data.dims + data.ndims, data.padded_dims);
}

bool is_row_major(const Desc& desc) {
  if (!is_blocked(desc) || is_padded(desc)) return false;
  const std::vector<Digit> digits = digits_of(desc);
  int64_t stride = 1;
  for (size_t i = digits.size(); i-- > 0;) {
    if (digits[i].stride != stride || (i > 0 && digits[i - 1].dim >= digits[i].dim)) return false;
    stride *= digits[i].extent;
  }
  return true;
}

/// Dimensions from outermost to innermost.
std::vector<int> outer_order(const Desc& desc) {
  const auto& strides = desc.data.format_desc.blocking.strides;
  std::vector<int> order(desc.data.ndims);
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](int a, int b) { return strides[a] > strides[b]; });
  return order;
}

Dims dims_of(const Desc& desc) { return {desc.data.dims, desc.data.dims + desc.data.ndims}; }

dnnl::memory::data_type type_of(const Desc& desc) { return desc.data_type(); }

bool has_spatial(const Dims& dims) { return dims.size() >= 3 && dims.size() <= 5; }

}  // namespace

dnnl::memory::data_type data_type(DType dtype) {
  using type = dnnl::memory::data_type;
  switch (dtype) {
    case DType::f32: return type::f32;
    case DType::bf16: return type::bf16;
    case DType::i8: return type::s8;
    case DType::u8: return type::u8;
    case DType::i32: return type::s32;
    default: throw Unsupported("no data type " + std::string(to_string(dtype)));
  }
}

Desc row_major(const Dims& dims, dnnl::memory::data_type type) {
  Dims strides(dims.size());
  int64_t stride = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= dims[i];
  }
  return {dims, type, strides};
}

Desc row_major(const TensorType& type) {
  Dims dims(type.shape.begin(), type.shape.end());
  if (dims.empty()) dims = {1};
  return row_major(dims, data_type(type.dtype));
}

Desc row_major(const TensorType& type, size_t rank) {
  Dims dims(std::max(rank, type.shape.rank()) - type.shape.rank(), 1);
  dims.insert(dims.end(), type.shape.begin(), type.shape.end());
  return row_major(dims, data_type(type.dtype));
}

Desc like(const Desc& desc, const Dims& dims) {
  Desc result = desc;
  const std::vector<int64_t> blocks = block_sizes(desc);
  auto& data = result.data;
  int64_t stride = std::accumulate(blocks.begin(), blocks.end(), int64_t{1}, std::multiplies<>());
  const std::vector<int> order = outer_order(desc);
  for (size_t i = order.size(); i-- > 0;) {
    const int d = order[i];
    const int64_t outer = (dims[d] + blocks[d] - 1) / blocks[d];
    data.dims[d] = dims[d];
    data.padded_dims[d] = outer * blocks[d];
    data.format_desc.blocking.strides[d] = stride;
    stride *= outer;
  }
  return result;
}

Desc channels_last(const Dims& dims, dnnl::memory::data_type type) {
  using tag = dnnl::memory::format_tag;
  constexpr tag tags[] = {tag::nwc, tag::nhwc, tag::ndhwc};
  if (!has_spatial(dims)) return row_major(dims, type);
  return {dims, type, tags[dims.size() - 3]};
}

Desc activation_order(const Runtime& runtime, const Dims& dims, dnnl::memory::data_type type) {
  using tag = dnnl::memory::format_tag;
  constexpr tag by_8[] = {tag::nCw8c, tag::nChw8c, tag::nCdhw8c};
  constexpr tag by_16[] = {tag::nCw16c, tag::nChw16c, tag::nCdhw16c};
  if (!has_spatial(dims) || runtime.channel_block() == 1) return channels_last(dims, type);
  const auto& tags = runtime.channel_block() == 16 ? by_16 : by_8;
  return {dims, type, tags[dims.size() - 3]};
}

std::string tag_of(const Desc& desc) {
  if (desc.data.format_kind != dnnl_blocked) return "winograd";
  const auto& blocking = desc.data.format_desc.blocking;
  const std::vector<int64_t> blocks = block_sizes(desc);
  std::string tag;
  for (const int d : outer_order(desc)) tag += static_cast<char>((blocks[d] > 1 ? 'A' : 'a') + d);
  for (int i = 0; i < blocking.inner_nblks; ++i)
    tag += std::to_string(blocking.inner_blks[i]) + static_cast<char>('a' + blocking.inner_idxs[i]);
  return tag;
}

bool same_order(const Desc& a, const Desc& b) {
  if (!is_blocked(a) || !is_blocked(b)) return a == b;
  const auto &x = a.data, &y = b.data;
  return type_of(a) == type_of(b) && dims_of(a) == dims_of(b) && x.offset0 == y.offset0 &&
         std::equal(x.padded_dims, x.padded_dims + x.ndims, y.padded_dims) && digits_of(a) == digits_of(b);
}

bool DescLayout::equals(const Layout& other) const {
  const auto* o = dynamic_cast<const DescLayout*>(&other);
  return o && same_order(desc_, o->desc_);
}

bool DescLayout::holds_masters() const {
  const auto& data = desc_.data;
  const int64_t elements =
      std::accumulate(data.padded_dims, data.padded_dims + data.ndims, int64_t{1}, std::multiplies<>());
  return is_blocked(desc_) && type_of(desc_) == dnnl::memory::data_type::f32 &&
         desc_.get_size() == elements * sizeof(float);
}

void DescLayout::pack(const Tensor& plain, void* physical) const {
  reorder(*runtime_, row_major(dims_of(desc_), data_type(plain.dtype())), const_cast<void*>(plain.data()), desc_,
          physical);
}

void DescLayout::unpack(const void* physical, Tensor& plain) const {
  reorder(*runtime_, desc_, const_cast<void*>(physical), row_major(dims_of(desc_), data_type(plain.dtype())),
          plain.data());
}

bool WorkspaceLayout::equals(const Layout& other) const {
  const auto* o = dynamic_cast<const WorkspaceLayout*>(&other);
  return o && desc_ == o->desc_ && source_ == o->source_ && result_ == o->result_;
}

void WorkspaceLayout::pack(const Tensor&, void*) const {
  throw Unsupported("a workspace of oneDNN can't be filled from a tensor");
}

void WorkspaceLayout::unpack(const void*, Tensor&) const {
  throw Unsupported("a workspace of oneDNN can't be read as a tensor");
}

LayoutPtr layout_of(const RuntimePtr& runtime, const Desc& desc) {
  if (is_row_major(desc)) return nullptr;
  return std::make_shared<DescLayout>(runtime, desc);
}

Desc desc_of(const LayoutPtr& layout, const TensorType& type) {
  if (!layout) return row_major(type);
  const auto* known = dynamic_cast<const DescLayout*>(layout.get());
  if (!known) throw Unsupported("layout " + layout->to_string() + " is not a memory descriptor");
  return known->desc();
}

void reorder(const Runtime& runtime, const Desc& from, void* source, const Desc& to, void* target) {
  dnnl::memory src(from, runtime.engine(), source), dst(to, runtime.engine(), target);
  const dnnl::reorder::primitive_desc pd(runtime.engine(), from, runtime.engine(), to, user_scratchpad());
  const std::shared_ptr<void> buffer = allocate(std::max<size_t>(pd.scratchpad_desc().get_size(), 1));
  dnnl::memory scratchpad(pd.scratchpad_desc(), runtime.engine(), buffer.get());
  const dnnl_exec_arg_t args[] = {
      {DNNL_ARG_FROM, src.get()}, {DNNL_ARG_TO, dst.get()}, {DNNL_ARG_SCRATCHPAD, scratchpad.get()}};
  const dnnl::reorder primitive(pd);
  dnnl::error::wrap_c_api(dnnl_primitive_execute(primitive.get(), runtime.stream(), 3, args), "a reorder failed");
}

}  // namespace ocellus::onednn
