#include "semfield/methods/feature_field/view_schedule.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "semfield/methods/feature_field/feature_field_test_util.h"

namespace semfield {
namespace {

FeatureOptions SmallOptions(int steps) {
  FeatureOptions options;
  options.steps = steps;
  options.cache_size = 4;
  return options;
}

double FreshShare(const FeatureOptions& options, int steps) {
  int64_t fresh = 0;
  for (int step = 0; step < steps; ++step) fresh += ViewSchedule::WantsFresh(options, step, fresh);
  return static_cast<double>(fresh) / steps;
}

TEST(WantsFresh, TakesAQuarterByChance) {
  FeatureOptions options = SmallOptions(1);
  options.prefill = 0;
  options.fresh_probability = 0.25;
  // 20000 throws: five standard deviations are 1.5 %.
  EXPECT_NEAR(FreshShare(options, 20000), 0.25, 0.016);
  options.fresh_probability = 0;
  EXPECT_NEAR(FreshShare(options, 1000), 0.001, 1e-9) << "the first step has nothing else to see";
  options.fresh_probability = 1;
  EXPECT_EQ(FreshShare(options, 1000), 1);
}

TEST(WantsFresh, EveryFourthOfTheReleasedCode) {
  FeatureOptions options = SmallOptions(1);
  options.prefill = 1;
  options.fresh_rule = FreshRule::kEveryFourth;
  for (int step = 1; step < 40; ++step) EXPECT_EQ(ViewSchedule::WantsFresh(options, step, 5), step % 4 == 0);
}

TEST(WantsFresh, FillsTheCacheFirst) {
  FeatureOptions options = SmallOptions(1);
  options.fresh_probability = 0;
  for (const auto& [prefill, expected] :
       {std::pair<std::optional<int>, int>{std::nullopt, 4}, {0, 1}, {9, 9}}) {
    options.prefill = prefill;
    int64_t fresh = 0;
    for (int step = 0; step < 50; ++step) fresh += ViewSchedule::WantsFresh(options, step, fresh);
    EXPECT_EQ(fresh, expected) << prefill.value_or(-1);
  }
}

TEST(WantsFresh, DependsOnSeedAndStepAlone) {
  FeatureOptions options = SmallOptions(1), other = SmallOptions(1);
  other.seed = 2;
  int different = 0;
  for (int step = 0; step < 400; ++step) {
    EXPECT_EQ(ViewSchedule::WantsFresh(options, step, 100), ViewSchedule::WantsFresh(options, step, 5000));
    different += ViewSchedule::WantsFresh(options, step, 100) != ViewSchedule::WantsFresh(other, step, 100);
  }
  EXPECT_GT(different, 50);
}

// How often each view is seen, by its index in the stream.
std::map<int64_t, int> VisitsOf(const FeatureOptions& options) {
  ViewSchedule schedule(options);
  std::map<int64_t, int> visits;
  while (schedule.step() < options.steps) {
    const ViewSchedule::Visit visit = schedule.Next();
    schedule.Advance();
    const int64_t oldest = std::max<int64_t>(0, schedule.fresh_used() - options.cache_size);
    const int64_t index = oldest + static_cast<int64_t>(visit.cached);
    if (visit.is_fresh) {
      EXPECT_EQ(index, schedule.fresh_used() - 1);
    }
    EXPECT_LT(index, schedule.fresh_used());
    ++visits[index];
  }
  EXPECT_EQ(schedule.fresh_used(), FreshViewsOf(options));
  return visits;
}

// A plan by minutes: drawn evenly from the cache, its first tenth was seen 41 times and the last 1.7 times.
TEST(ViewSchedule, EveryViewOfAPlanIsSeenAboutAsOften) {
  FeatureOptions options = SmallOptions(14 * 400);
  options.prefill = 8;
  options.fresh_probability = 1.0 / 14;
  options.cache_size = 500;
  const std::map<int64_t, int> visits = VisitsOf(options);
  double first = 0, last = 0;
  const int64_t tenth = static_cast<int64_t>(visits.size()) / 10;
  for (const auto& [index, count] : visits) {
    if (index < tenth) first += static_cast<double>(count) / static_cast<double>(tenth);
    if (index >= static_cast<int64_t>(visits.size()) - tenth)
      last += static_cast<double>(count) / static_cast<double>(tenth);
  }
  EXPECT_NEAR(first, 14, 3);
  EXPECT_GT(last, 0.6 * first);
}

TEST(ViewSchedule, ACacheThatForgetsIsSeenEvenly) {
  FeatureOptions options = SmallOptions(4000);
  options.fresh_probability = 0.25;
  options.cache_size = 16;
  for (const auto& [index, count] : VisitsOf(options)) EXPECT_LE(count, 40) << index;
}

}  // namespace
}  // namespace semfield
