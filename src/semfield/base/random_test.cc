#include "semfield/base/random.h"

#include <gtest/gtest.h>

#include <set>

namespace semfield {
namespace {

// The demonstration program of the PCG paper's library: seed 42, stream 54.
TEST(Random, KnownSequence) {
  Random random(42, 54);
  for (const uint32_t expected :
       {0xa15c02b7u, 0x7b47f409u, 0xba1d3330u, 0x83d2f293u, 0xbfa4784bu, 0xcbed606eu}) {
    EXPECT_EQ(random.NextUint32(), expected);
  }
}

TEST(Random, UniformStaysInsideAndFillsItsRange) {
  Random random(1);
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) {
    const float u = random.Uniform();
    ASSERT_GE(u, 0.0f);
    ASSERT_LT(u, 1.0f);
    sum += u;
    ASSERT_LT(random.Below(7), 7u);
  }
  EXPECT_NEAR(sum / 100'000, 0.5, 0.005);  // five standard errors
}

TEST(Random, StreamsAndMixedSeedsDiffer) {
  std::set<uint64_t> seen;
  for (uint64_t a = 0; a < 50; ++a) {
    for (uint64_t b = 0; b < 50; ++b) seen.insert(MixSeed(a, b));
  }
  EXPECT_EQ(seen.size(), 2500u);
  EXPECT_NE(Random(1, 0).NextUint32(), Random(1, 1).NextUint32());
}

}  // namespace
}  // namespace semfield
