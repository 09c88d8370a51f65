#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include <ocellus/base/rng.h>

namespace ocellus {
namespace {

// Known answers of the authors' Random123 distribution for philox4x32-10.
TEST(Rng, PhiloxGivesThePublishedAnswers) {
  EXPECT_EQ(philox(0, 0, 0), (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox(~0ull, ~0ull, ~0ull), (std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(Rng, SameNameSameNumbers) {
  Rng a(7, 3), b(7, 3), c(7, 4);
  std::vector<uint32_t> x, y, z;
  for (int i = 0; i < 100; ++i) {
    x.push_back(a.next());
    y.push_back(b.next());
    z.push_back(c.next());
  }
  EXPECT_EQ(x, y);
  EXPECT_NE(x, z);
}

TEST(Rng, NormalHasZeroMeanAndUnitVariance) {
  Rng rng(1);
  double sum = 0, squares = 0;
  constexpr int n = 100000;
  for (int i = 0; i < n; ++i) {
    const double v = rng.normal();
    sum += v;
    squares += v * v;
  }
  EXPECT_NEAR(sum / n, 0, 4 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 0.02);
}

TEST(Rng, BelowStaysBelowAndReachesAll) {
  Rng rng(2);
  std::vector<int> seen(7);
  for (int i = 0; i < 7000; ++i) ++seen[rng.below(7)];
  for (int count : seen) EXPECT_NEAR(count, 1000, 150);
}

TEST(Rng, ForkDependsOnTheKeyAlone) {
  Rng a(5), b(5);
  a.next();
  EXPECT_EQ(a.fork("conv").next(), b.fork("conv").next());
  EXPECT_NE(a.fork("conv").next(), b.fork("dense").next());
}

}  // namespace
}  // namespace ocellus
