// What fresh parameters are filled with. Fans are those of a kernel [out, in, spatial...]: in * area and out * area.
#pragma once

#include <ocellus/graph/parameter.h>

namespace ocellus::nn {

/// Uniform in +-sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010).
OCELLUS_API Initialiser glorot_uniform();
/// Normal with standard deviation sqrt(2 / (fan_in + fan_out)), not truncated.
OCELLUS_API Initialiser glorot_normal();
/// Uniform in +-sqrt(6 / fan_in) (He et al. 2015, "Delving deep into rectifiers").
OCELLUS_API Initialiser he_uniform();
/// Normal with standard deviation sqrt(2 / fan_in), not truncated.
OCELLUS_API Initialiser he_normal();
/// Uniform in +-2.4 / fan_in (LeCun et al. 1998, appendix A).
OCELLUS_API Initialiser lecun_1998();

/// Random directions at right angles to each other: the rows of [out, in...] where they are no more than the columns, otherwise
/// the columns, of length `gain` (Saxe et al. 2013).
OCELLUS_API Initialiser orthogonal(float gain = 1);

struct NormalConfig {
  float mean = 0, deviation = 0.05f;
};
OCELLUS_API Initialiser normal(NormalConfig config = {});

struct UniformConfig {
  float low = -0.05f, high = 0.05f;
};
OCELLUS_API Initialiser uniform(UniformConfig config = {});

OCELLUS_API Initialiser constant(float value);
inline Initialiser zeros() { return constant(0); }
inline Initialiser ones() { return constant(1); }

/// Inputs and outputs that an element of a kernel of this shape is connected to; a vector counts as its length for both.
struct Fans {
  int64_t in, out;
};
OCELLUS_API Fans fans(const Shape& kernel);

}  // namespace ocellus::nn
