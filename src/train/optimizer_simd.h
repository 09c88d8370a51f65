// The optimisers' vector loops. Each makes one pass over its arrays and stores every result once.
#pragma once

#include <cstddef>

namespace ocellus::optim {

/// What is done to a gradient before a rule sees it: scaled, limited to [-limit, limit], and L2 decay added.
struct GradientArgs {
  float scale, limit, decay;
};

struct SgdArgs {
  GradientArgs gradient;
  float lr, momentum;
  bool nesterov;
};
/// `momentum` is null when the rule has none.
void sgd_update(const SgdArgs& args, float* param, const float* grad, float* momentum, size_t n);

struct AdamArgs {
  GradientArgs gradient;
  float shrink;               // 1 - lr * decoupled weight decay
  float step_size;            // lr / (1 - beta1^t)
  float beta2, keep1, keep2;  // keep = 1 - beta
  float root_scale;           // 1 / sqrt(1 - beta2^t)
  float eps;
};
void adam_update(const AdamArgs& args, float* param, const float* grad, float* m, float* v, size_t n);

struct RmsPropArgs {
  GradientArgs gradient;
  float lr, alpha, keep, eps, momentum;
};
/// `mean` (centred) and `momentum` may be null.
void rmsprop_update(const RmsPropArgs& args, float* param, const float* grad, float* square, float* mean,
                    float* momentum, size_t n);

/// Sum of squares in sixteen interleaved double accumulators, added in order: the same bits at every vector width.
double sum_of_squares(const float* values, size_t n);

}  // namespace ocellus::optim
