// Values in the order that suits us, with what Keras takes them for.
//
// Keras has channels last, we have them first. A value is held in the order in which the last layer gave it, and brought into
// another only where a layer needs that: a chain of convolutions is never transposed, and the answers are Keras's own.
#pragma once

#include <string>
#include <vector>

#include <ocellus/graph/value.h>

namespace ocellus::io::keras {

enum class Order : uint8_t {
  plain,      ///< as Keras has it
  moved,      ///< Keras's last dimension, the channels, is dimension 1
  flattened,  ///< [N,elements] of something that was moved, in our order of elements
};

struct Held {
  Value value;
  Order order = Order::plain;
  std::vector<int64_t> before = {};  ///< of a flattened value: the moved shape without the batch
};
using Helds = std::vector<Held>;

/// The value as Keras has it.
Value plain(const Held& x);
/// The value with the channels as dimension 1. A value of fewer than three dimensions is so already.
Value moved(const Held& x);
/// What Keras takes the value's shape for, with the batch.
std::vector<int64_t> keras_shape(const Held& x);
/// A channels-last layer's input or output; of channels-first ones it is plain.
Value enter(const Held& x, bool channels_last);
Held leave(Value y, bool channels_last);
/// All in one order: moved if one of them is and all have as many dimensions, otherwise plain.
struct Unified {
  Values values;
  Order order = Order::plain;
};
Unified unified(const Helds& all);

}  // namespace ocellus::io::keras
