// The arrays of a .caffemodel file.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <ocellus/tensor/tensor.h>

namespace ocellus::io::caffe {

/// A layer's arrays, as the file has them; old files have four dimensions for everything.
struct Blobs {
  std::string kind;  ///< the layer's type: "Convolution", or a number in old files
  std::vector<Tensor> arrays;
};

/// The layers that have arrays, by name. Throws FormatError with the byte for a damaged file.
std::map<std::string, Blobs> read_blobs(std::span<const std::byte> bytes, const std::string& source);

}  // namespace ocellus::io::caffe
