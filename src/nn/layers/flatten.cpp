#include <ocellus/nn/layers/flatten.h>

#include <ocellus/ops/shape.h>

namespace ocellus::nn {

Flatten::Flatten(std::string name) : Layer("Flatten", std::move(name)) {}

Values Flatten::call(Build&, const Values& inputs) const { return {ops::flatten(single(inputs))}; }

}  // namespace ocellus::nn
