// Numbers as people read them.
#pragma once

#include <cmath>

namespace ocellus {

/// The number, but a NaN without its sign, which says nothing and would be printed: "-nan".
inline double shown(double value) { return std::isnan(value) ? std::fabs(value) : value; }

}  // namespace ocellus
