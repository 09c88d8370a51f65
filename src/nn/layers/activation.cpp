#include <ocellus/nn/layers/activation.h>

namespace ocellus::nn {

Activation::Activation(ocellus::Activation function, std::string name)
    : Layer("Activation", std::move(name)), function_(function) {}

Values Activation::call(Build&, const Values& inputs) const { return {ops::activation(single(inputs), function_)}; }

}  // namespace ocellus::nn
