#include "backend/onednn/primitive.h"

#include <algorithm>

#include <ocellus/base/error.h>

namespace ocellus::onednn {
namespace {

constexpr size_t alignment = 64;
size_t aligned(size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

void check(dnnl_status_t status, const char* what) {
  if (status != dnnl_success)
    throw Error(std::string("oneDNN ") + what + " failed with status " + std::to_string(status));
}

}  // namespace

void Sequence::add(const dnnl::primitive& primitive, std::span<const Arg> args) {
  Step step{.primitive = primitive, .memories = {}, .places = {}, .args = {}};
  for (const Arg& arg : args) {
    step.memories.emplace_back(arg.desc, runtime_->engine(), nullptr);
    step.places.push_back(arg.place);
    step.args.push_back({arg.id, step.memories.back().get()});
  }
  runtime_->count_primitive();
  steps_.push_back(std::move(step));
}

void Sequence::add_copy(const dnnl::primitive& primitive, std::span<const Arg> args) {
  add(primitive, args);
  steps_.back().is_copy = true;
}

void Sequence::bind(std::span<void* const> inputs, std::span<void* const> outputs, void* scratch) {
  for (Step& step : steps_) {
    std::vector<void*> addresses;
    for (const Place& place : step.places)
      addresses.push_back(place.kind == Place::Kind::input    ? inputs[place.index]
                          : place.kind == Place::Kind::output ? outputs[place.index]
                                                              : static_cast<char*>(scratch) + place.index);
    step.active = !(step.is_copy && addresses[0] == addresses[1]);
    for (size_t i = 0; i < addresses.size(); ++i)
      check(dnnl_memory_set_data_handle(step.memories[i].get(), addresses[i]), "binding of memory");
  }
}

void Sequence::run() {
  for (const Step& step : steps_)
    if (step.active)
      check(dnnl_primitive_execute(step.primitive.get(), runtime_->stream(), static_cast<int>(step.args.size()),
                                   step.args.data()),
            "primitive");
}

ReorderKernel::ReorderKernel(RuntimePtr runtime, const Desc& from, const Desc& to) : sequence_(runtime) {
  using Way = dnnl::reorder::primitive_desc;
  const auto way = [&](const Desc& source, const Desc& target, bool may_lack) {
    return Way(runtime->engine(), source, runtime->engine(), target, user_scratchpad(), may_lack);
  };
  std::vector<Desc> orders = {from, to};
  size_t detour = 0;
  // Not every order has a way to every other: weights in blocks reach the library's Winograd only through plain order.
  if (!way(from, to, true)) {
    const Dims dims(from.data.dims, from.data.dims + from.data.ndims);
    orders.insert(orders.begin() + 1, row_major(dims, from.data_type()));
    detour = aligned(orders[1].get_size());
  }
  std::vector<Way> ways;
  size_t scratchpad = 0;
  for (size_t i = 0; i + 1 < orders.size(); ++i) {
    ways.push_back(way(orders[i], orders[i + 1], false));
    scratchpad = std::max(scratchpad, ways.back().scratchpad_desc().get_size());
  }
  if (detour + scratchpad > 0) scratch_ = allocate(detour + scratchpad);
  const Place middle{Place::Kind::scratch, 0}, rest{Place::Kind::scratch, detour};
  for (size_t i = 0; i < ways.size(); ++i) {
    std::vector<Arg> args = {{DNNL_ARG_FROM, i == 0 ? in(0) : middle, orders[i]},
                             {DNNL_ARG_TO, i + 1 == ways.size() ? out(0) : middle, orders[i + 1]}};
    if (const Desc own = ways[i].scratchpad_desc(); own.get_size() > 0) args.push_back({DNNL_ARG_SCRATCHPAD, rest, own});
    sequence_.add(dnnl::reorder(ways[i]), args);
  }
}

void ReorderKernel::bind(std::span<void* const> inputs, std::span<void* const> outputs, void*) {
  sequence_.bind(inputs, outputs, scratch_.get());
}

Planner::Planner(const KernelRequest& request, RuntimePtr runtime) : request_(request), runtime_(std::move(runtime)) {
  plan_.inputs.assign(request.inputs.begin(), request.inputs.end());
  plan_.outputs.resize(request.node.types().size());
  unused_.resize(plan_.outputs.size());
}

Desc Planner::incoming(size_t i) const { return desc_of(request_.inputs[i], request_.node.inputs()[i].type()); }

Desc Planner::incoming_order() const {
  const TensorType& type = request_.node.types()[0];
  for (size_t i = 0; i < request_.inputs.size(); ++i)
    if (request_.inputs[i] && request_.node.inputs()[i].type() == type) return incoming(i);
  return plain_output(0);
}

Place Planner::temporary(const Desc& desc) {
  const Place place{Place::Kind::scratch, temporaries_};
  temporaries_ += aligned(desc.get_size());
  return place;
}

/// Notes the order of an input or output, and sends what nobody reads to scratch memory.
Place Planner::resolve(const Arg& arg) {
  const size_t i = arg.place.index;
  if (arg.place.kind == Place::Kind::input) {
    if (!dynamic_cast<const WorkspaceLayout*>(request_.inputs[i].get()))
      plan_.inputs[i] = layout_of(runtime_, arg.desc);
  } else if (arg.place.kind == Place::Kind::output) {
    if (!dynamic_cast<const WorkspaceLayout*>(plan_.outputs[i].get())) plan_.outputs[i] = layout_of(runtime_, arg.desc);
    if (request_.used[i]) return arg.place;
    if (!unused_[i]) unused_[i] = temporary(arg.desc);
    return *unused_[i];
  }
  return arg.place;
}

void Planner::step(const dnnl::primitive& primitive, const Desc& scratchpad, std::vector<Arg> args) {
  for (Arg& arg : args) arg.place = resolve(arg);
  steps_.push_back({primitive, std::move(args), scratchpad.get_size(), scratchpad, false});
}

void Planner::copy(size_t i, size_t o, const Desc& desc) {
  const dnnl::reorder::primitive_desc pd(runtime_->engine(), desc, runtime_->engine(), desc, user_scratchpad());
  step(dnnl::reorder(pd), pd.scratchpad_desc(), {{DNNL_ARG_FROM, in(i), desc}, {DNNL_ARG_TO, out(o), desc}});
  steps_.back().is_copy = true;
}

KernelPlan Planner::finish(std::string name) {
  auto sequence = std::make_unique<Sequence>(runtime_);
  plan_.scratch = temporaries_;
  for (Pending& pending : steps_) {
    if (pending.scratchpad > 0) {  // steps run one after the other: their scratchpads may share memory
      pending.args.push_back({DNNL_ARG_SCRATCHPAD, {Place::Kind::scratch, temporaries_}, pending.scratchpad_desc});
      plan_.scratch = std::max(plan_.scratch, temporaries_ + pending.scratchpad);
    }
    if (pending.is_copy)
      sequence->add_copy(pending.primitive, pending.args);
    else
      sequence->add(pending.primitive, pending.args);
  }
  plan_.name = std::move(name);
  plan_.kernel = std::move(sequence);
  return std::move(plan_);
}

}  // namespace ocellus::onednn
