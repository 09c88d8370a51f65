// Physical layouts: how a backend stores a tensor's elements. Opaque to everyone else.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <ocellus/tensor/tensor.h>

namespace ocellus {

/// How a backend lays out a value in memory, for example in blocks of 16 channels. A null LayoutPtr means plain row-major.
class OCELLUS_API Layout {
 public:
  virtual ~Layout();
  virtual size_t bytes() const = 0;                      ///< of the whole value, padding included
  virtual bool equals(const Layout& other) const = 0;
  virtual std::string to_string() const = 0;             ///< for reports: "aBcd16b"
  /// Every element is stored once, as f32, and padding is zero: an optimiser may work on the storage as on a flat array.
  virtual bool holds_masters() const = 0;
  virtual void pack(const Tensor& plain, void* physical) const = 0;
  virtual void unpack(const void* physical, Tensor& plain) const = 0;
};

using LayoutPtr = std::shared_ptr<const Layout>;

/// Same physical layout; two null pointers are both plain.
inline bool same_layout(const LayoutPtr& a, const LayoutPtr& b) { return a == b || (a && b && a->equals(*b)); }

}  // namespace ocellus
