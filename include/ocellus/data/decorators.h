// Data sets made from data sets. Each function keeps a handle on what it is given and costs nothing until samples
// are asked for.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include <ocellus/data/dataset.h>

namespace ocellus::data {

/// Changes one sample; a pure function of the sample and of what it draws from the generator.
using SampleFn = std::function<Sample(Sample, Rng&)>;

/// Applies `fn` to every sample as it is asked for.
OCELLUS_API AnyDataset map(AnyDataset dataset, SampleFn fn);

/// The samples of the given numbers, in that order; throws UsageError for a number that there is not.
OCELLUS_API AnyDataset subset(AnyDataset dataset, std::vector<int64_t> indices);

/// Samples [begin, end).
OCELLUS_API AnyDataset range(AnyDataset dataset, int64_t begin, int64_t end);

/// All samples in one random order, which `seed` alone decides.
OCELLUS_API AnyDataset shuffle(AnyDataset dataset, uint64_t seed);

/// Two disjoint random parts, the first with `fraction` (0 to 1) of the samples, rounded to the nearest whole.
OCELLUS_API std::pair<AnyDataset, AnyDataset> split(AnyDataset dataset, double fraction, uint64_t seed = 0);

/// Keeps every sample in memory once it has been read. What was random in it is drawn once, from the sample's number
/// alone, so put random changes after the cache, not before.
OCELLUS_API AnyDataset cache(AnyDataset dataset);

/// One after the other; class names are those of the first. Throws UsageError when class names differ.
OCELLUS_API AnyDataset concat(std::vector<AnyDataset> datasets);

/// The numbers [0, n) in the random order that (seed, stream) gives.
OCELLUS_API std::vector<int64_t> permutation(int64_t n, uint64_t seed, uint64_t stream = 0);

}  // namespace ocellus::data
