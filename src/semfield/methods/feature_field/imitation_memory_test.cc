#include "semfield/methods/feature_field/imitation_memory.h"

#include <gtest/gtest.h>

namespace semfield {
namespace {

const FeatureSpace kSam = {.encoder = "sam", .channels = 256, .grid = 64};

FeatureOptions Options(int cache_size) {
  FeatureOptions options;
  options.token_rays = 2;
  options.cache_size = cache_size;
  return options;
}

ImitationMemory Memory(int cache_size) {
  return EstimateImitationMemory(Options(cache_size), kSam, 2);
}

TEST(ImitationMemory, ViewsAreWhatTheyAreMadeOf) {
  // Half-precision targets of every token and, of every ray, position and weight of its samples.
  const double target = 64 * 64 * 256 * 2, samples = 64 * 64 * 4 * 15 * 16;
  EXPECT_DOUBLE_EQ(Memory(1).view, target + samples);
  FeatureOptions one_ray = Options(1);
  one_ray.token_rays = 1;
  EXPECT_DOUBLE_EQ(EstimateImitationMemory(one_ray, kSam, 2).view, target + samples / 4);
  EXPECT_GT(EstimateImitationMemory(one_ray, kSam, 16).rest, EstimateImitationMemory(one_ray, kSam, 2).rest);
}

TEST(ImitationMemory, TheLargestCacheFillsFourFifths) {
  const ImitationMemory memory = Memory(1000);
  const int largest = LargestCache(memory, 1000 * memory.view + memory.rest);
  EXPECT_GT(largest, 600);
  EXPECT_LT(largest, 1000);
  EXPECT_EQ(LargestCache(memory, memory.rest), 0);
}

}  // namespace
}  // namespace semfield
