// The one thread pool: OpenMP, shared with oneDNN.
#pragma once

#include <cstdint>
#include <functional>

#include <ocellus/base/export.h>

namespace ocellus {

/// Threads that a parallel region of the calling thread uses.
OCELLUS_API int num_threads();

/// Sets the number of threads of the calling thread's parallel regions; n <= 0 means all cores that the process may use.
OCELLUS_API void set_num_threads(int n);

/// Calls `body(begin, end)` on disjoint ranges that cover [0, n), in parallel when n is at least `grain`.
/// The split depends on n and the number of threads alone. The first exception is rethrown to the caller.
OCELLUS_API void parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body);

}  // namespace ocellus
