#include "semfield/jobs/imitate_memory.h"

#include <gtest/gtest.h>

#include "semfield/base/error.h"
#include "semfield/jobs/jobs_test_util.h"

namespace semfield {
namespace {

constexpr uint64_t kMiB = 1 << 20;

const FeatureSpace kSam = {.encoder = "sam", .channels = 256, .grid = 64};

FeatureOptions Options(int cache_size) {
  FeatureOptions options;
  options.token_rays = 2;
  options.cache_size = cache_size;
  return options;
}

ImitateMemory Memory(int cache_size) {
  return EstimateImitateMemory(Options(cache_size), kSam, 2);
}

std::string Refusal(int cache_size, int64_t num_views, bool fixed, uint64_t available) {
  try {
    CheckImitateMemory(Memory(cache_size), Options(cache_size), num_views, fixed, {available, "free here"});
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kResource);
    return error.what();
  }
  return "";
}

TEST(ImitateMemory, ViewsAreWhatTheyAreMadeOf) {
  // Half-precision targets of every token and, of every ray, position and weight of its samples.
  const double target = 64 * 64 * 256 * 2, samples = 64 * 64 * 4 * 15 * 16;
  EXPECT_DOUBLE_EQ(Memory(1).view, target + samples);
  FeatureOptions one_ray = Options(1);
  one_ray.token_rays = 1;
  EXPECT_DOUBLE_EQ(EstimateImitateMemory(one_ray, kSam, 2).view, target + samples / 4);
  EXPECT_GT(EstimateImitateMemory(one_ray, kSam, 16).rest, EstimateImitateMemory(one_ray, kSam, 2).rest);
}

TEST(ImitateMemory, TooLittleIsRefusedWithWhatFits) {
  const ImitateMemory memory = Memory(1000);
  const auto needed = static_cast<uint64_t>(1000 * memory.view + memory.rest);
  EXPECT_EQ(Refusal(1000, 5000, false, needed + 1), "");
  const std::string message = Refusal(1000, 5000, false, needed - kMiB);
  EXPECT_MENTIONS(message, "free here");
  const int largest = LargestCache(memory, {needed - kMiB, ""});
  EXPECT_GT(largest, 600);
  EXPECT_LT(largest, 1000);
  EXPECT_MENTIONS(message, "With --cache-size " + std::to_string(largest) + " it would fit");
  EXPECT_EQ(Refusal(largest, 5000, false, needed - kMiB), "");
  // A cache is never fuller than with all views there are.
  EXPECT_EQ(Refusal(1000, largest, false, needed - kMiB), "");
  EXPECT_MENTIONS(Refusal(1000, 5000, true, needed - kMiB), "With --restart --cache-size");
  EXPECT_MENTIONS(Refusal(1000, 5000, false, 10 * kMiB), "Free some memory");
}

}  // namespace
}  // namespace semfield
