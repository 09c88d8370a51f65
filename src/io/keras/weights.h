// Where the arrays of a Keras file's layers are: files have kept them in several ways.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/keras/config.h"
#include "io/keras/hdf5.h"

namespace ocellus::io::keras {

/// The arrays of one network's layers.
class WeightScope {
 public:
  virtual ~WeightScope() = default;
  /// A layer's arrays in Keras's order, in the form that Keras 2 and 3 have; none where the file has none.
  virtual std::vector<Tensor> of(const LayerSpec& layer) const = 0;
  /// The arrays of a network that is a layer of this one, or is wrapped by one.
  virtual std::shared_ptr<const WeightScope> inside(const LayerSpec& layer, const Network& network) const = 0;
};

/// Of an .h5 file: a group for each layer, in whose attributes the arrays are listed. `root`: the group with the layers.
std::shared_ptr<const WeightScope> weights_by_name(std::shared_ptr<const Hdf5Reader> file, const std::string& root,
                                                   const Writer& writer);
/// Of model.weights.h5 in a .keras file: a group for each layer, named after its class and counted.
std::shared_ptr<const WeightScope> weights_by_class(std::shared_ptr<const Hdf5Reader> file, const std::string& root,
                                                    const Network& network);

/// Arrays as Keras 2 has them, of arrays that Keras 1 or Theano wrote (keras1.cpp).
std::vector<Tensor> modern_arrays(const LayerSpec& layer, std::vector<Tensor> arrays, const Writer& writer);

/// "Conv2DTranspose" as "conv2d_transpose", by Keras's rule for names of groups.
std::string group_name(std::string_view class_name);

}  // namespace ocellus::io::keras
