// SAN Eq. 11 against sums written out, and its derivatives against differences.
#include "semfield/methods/language_field/cross_correlation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "semfield/base/random.h"
#include "semfield/base/test_threads.h"

namespace semfield {
namespace {

constexpr int kChannels = 5;

std::vector<PlacedFeatures> RandomMaps(const std::vector<int>& places, uint64_t seed) {
  Random random(seed, 1);
  std::vector<PlacedFeatures> maps;
  for (const int count : places) {
    maps.push_back({count, std::vector<float>(static_cast<size_t>(kChannels) * count)});
    for (float& value : maps.back().values) value = random.Uniform(-1, 1);
  }
  return maps;
}

double CosineOf(const PlacedFeatures& a, int p, const PlacedFeatures& b, int q, double least_a = 0,
                double least_b = 0) {
  double dot = 0, aa = 0, bb = 0;
  for (int c = 0; c < kChannels; ++c) {
    const double x = a.values[c * a.num_places + p], y = b.values[c * b.num_places + q];
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return dot / (std::max(least_a, std::sqrt(aa)) * std::max(least_b, std::sqrt(bb)));
}

double DirectSum(const std::vector<PlacedFeatures>& ours, const std::vector<PlacedFeatures>& theirs) {
  double loss = 0;
  for (size_t i = 0; i < ours.size(); ++i) {
    for (size_t j = i + 1; j < ours.size(); ++j) {
      double sum = 0;
      for (int p = 0; p < ours[i].num_places; ++p) {
        for (int q = 0; q < ours[j].num_places; ++q) {
          const double s = CosineOf(ours[i], p, ours[j], q, ShortestLengths(kChannels, theirs[i])[p],
                                    ShortestLengths(kChannels, theirs[j])[q]) -
                           CosineOf(theirs[i], p, theirs[j], q);
          sum += s * s;
        }
      }
      loss += sum / (ours[i].num_places * ours[j].num_places);
    }
  }
  return loss;
}

TEST(CrossCorrelation, ShortestIsHalfTheTeachersLengthOrATenthOfTheMean) {
  const PlacedFeatures theirs{3, {6, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0}};  // lengths 10, 3, 0
  const std::vector<float> shortest = ShortestLengths(kChannels, theirs);
  EXPECT_FLOAT_EQ(shortest[0], 5);
  EXPECT_FLOAT_EQ(shortest[1], 1.5f);
  EXPECT_FLOAT_EQ(shortest[2], 1.3f / 3);
}

TEST(CrossCorrelation, IsTheDirectSum) {
  for (const std::vector<int>& places : {std::vector<int>{7, 3}, {9, 4, 1}, {16, 8, 4, 2}}) {
    const auto ours = RandomMaps(places, 3), theirs = RandomMaps(places, 4);
    std::vector<PlacedFeatures> d;
    EXPECT_NEAR(CrossCorrelation(kChannels, ours, theirs, &d), DirectSum(ours, theirs), 1e-5);
  }
}

TEST(CrossCorrelation, OfOneMapOrOfTheSameMapsIsZero) {
  const auto ours = RandomMaps({6, 5, 4}, 3);
  std::vector<PlacedFeatures> d;
  EXPECT_EQ(CrossCorrelation(kChannels, {ours[0]}, RandomMaps({6}, 4), &d), 0);
  EXPECT_NEAR(CrossCorrelation(kChannels, ours, ours, &d), 0, 1e-12);
  for (const PlacedFeatures& map : d) {
    for (const float value : map.values) EXPECT_NEAR(value, 0, 1e-6);
  }
}

TEST(CrossCorrelation, DerivativesAreThoseOfDifferences) {
  const auto theirs = RandomMaps({7, 4, 3}, 8);
  auto ours = RandomMaps({7, 4, 3}, 9);
  std::vector<PlacedFeatures> d;
  CrossCorrelation(kChannels, ours, theirs, &d);
  constexpr float kStep = 1e-3f;
  for (size_t map = 0; map < ours.size(); ++map) {
    for (size_t i = 0; i < ours[map].values.size(); ++i) {
      const float value = ours[map].values[i];
      ours[map].values[i] = value + kStep;
      const double more = DirectSum(ours, theirs);
      ours[map].values[i] = value - kStep;
      const double less = DirectSum(ours, theirs);
      ours[map].values[i] = value;
      EXPECT_NEAR(d[map].values[i], (more - less) / (2 * kStep), 2e-4) << map << " " << i;
    }
  }
}

TEST(CrossCorrelation, AVectorOfZerosHasNoDirection) {
  auto ours = RandomMaps({3, 2}, 5);
  const auto theirs = RandomMaps({3, 2}, 6);
  for (int c = 0; c < kChannels; ++c) ours[0].values[c * 3] = 0;
  std::vector<PlacedFeatures> d;
  EXPECT_TRUE(std::isfinite(CrossCorrelation(kChannels, ours, theirs, &d)));
  for (const PlacedFeatures& map : d) {
    for (const float value : map.values) EXPECT_TRUE(std::isfinite(value));
  }
}

// Else a field next to zero, as the first drawn, has derivatives that grow without bound.
TEST(CrossCorrelation, DerivativesOfShortVectorsAreBounded) {
  const auto theirs = RandomMaps({7, 4}, 8);
  auto ours = RandomMaps({7, 4}, 9);
  for (PlacedFeatures& map : ours)
    for (float& value : map.values) value *= 1e-4f;
  std::vector<PlacedFeatures> d, longer;
  CrossCorrelation(kChannels, ours, theirs, &d);
  CrossCorrelation(kChannels, theirs, RandomMaps({7, 4}, 9), &longer);
  const auto largest = [](const std::vector<PlacedFeatures>& maps) {
    float most = 0;
    for (const PlacedFeatures& map : maps)
      for (const float value : map.values) most = std::max(most, std::abs(value));
    return most;
  };
  EXPECT_GT(largest(d), 0);
  EXPECT_LT(largest(d), 10 * largest(longer));
}

TEST(CrossCorrelation, SameBitsWithAnyNumberOfThreads) {
  const auto ours = RandomMaps({40, 30, 20}, 3), theirs = RandomMaps({40, 30, 20}, 4);
  std::vector<std::vector<PlacedFeatures>> all(2);
  double loss[2];
  for (const int threads : {1, 2}) {
    const ScopedThreads scoped(threads);
    loss[threads - 1] = CrossCorrelation(kChannels, ours, theirs, &all[threads - 1]);
  }
  EXPECT_EQ(loss[0], loss[1]);
  for (size_t i = 0; i < ours.size(); ++i) EXPECT_EQ(all[0][i].values, all[1][i].values);
}

}  // namespace
}  // namespace semfield
