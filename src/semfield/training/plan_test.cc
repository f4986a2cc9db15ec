#include "semfield/training/plan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>

#include "semfield/base/error.h"
#include "semfield/training/schedule.h"

namespace semfield {
namespace {

TEST(Plan, StepsFillTheTime) {
  EXPECT_EQ(PlanByMinutes(10, 0.5, 60, 1, 1'000'000).steps, 1080);  // (600 - 60) / 0.5
  EXPECT_EQ(PlanByMinutes(1, 0.25, 0, 1, 1'000'000).steps, 240);
  EXPECT_EQ(PlanByMinutes(1, 7, 0, 1, 1'000'000).steps, 8);  // 8.57 steps: the ninth would be late
  const StepPlan plan = PlanByMinutes(10, 0.5, 60, 1, 1'000'000);
  EXPECT_DOUBLE_EQ(plan.expected_seconds, 600);
  EXPECT_FALSE(plan.over_time);
}

TEST(Plan, HeldWithinItsBounds) {
  EXPECT_EQ(PlanByMinutes(1e9, 1e-9, 0, 1, 30'000).steps, 30'000);
  EXPECT_EQ(PlanByMinutes(1, 1, 600, 500, 30'000).steps, 500);
  EXPECT_TRUE(PlanByMinutes(1, 1, 600, 500, 30'000).over_time);
  EXPECT_EQ(PlanByMinutes(5, 1, 0, 7, 7).steps, 7);
}

TEST(Plan, MoreTimeNeverMeansFewerSteps) {
  int last = 0;
  for (double minutes = 0.1; minutes < 60; minutes += 0.37) {
    const StepPlan plan = PlanByMinutes(minutes, 0.031, 20, 100, 100'000);
    EXPECT_GE(plan.steps, last);
    if (!plan.over_time) {
      EXPECT_LE(plan.expected_seconds, 60 * minutes + 1e-9);
    }
    last = plan.steps;
  }
}

TEST(Plan, ImpossibleMinutesAreErrors) {
  for (const double minutes : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(PlanByMinutes(minutes, 1, 0, 1, 10), Error);
  }
}

TEST(Schedule, WarmupPeakAndEnd) {
  EXPECT_FLOAT_EQ(ExponentialSchedule(0, 1001, 0.01f, 0.1f, 0), 0.01f);
  EXPECT_FLOAT_EQ(ExponentialSchedule(1000, 1001, 0.01f, 0.1f, 0), 0.001f);
  EXPECT_FLOAT_EQ(ExponentialSchedule(500, 1001, 0.01f, 0.1f, 0), 0.01f * std::sqrt(0.1f));
  EXPECT_FLOAT_EQ(ExponentialSchedule(5000, 1001, 0.01f, 0.1f, 0), 0.001f);
  EXPECT_FLOAT_EQ(ExponentialSchedule(0, 1000, 1.0f, 0.1f, 9), 0.1f);
  EXPECT_FLOAT_EQ(ExponentialSchedule(8, 1000, 1.0f, 0.1f, 9), 0.9f);
  EXPECT_FLOAT_EQ(ExponentialSchedule(9, 1000, 1.0f, 0.1f, 9), 1.0f);
  EXPECT_FLOAT_EQ(ExponentialSchedule(999, 1000, 1.0f, 0.1f, 9), 0.1f);
}

TEST(Schedule, ClimbsThenFallsAtAConstantRatio) {
  const auto rate = [](int step) { return ExponentialSchedule(step, 300, 0.02f, 0.01f, 20); };
  for (int step = 0; step < 20; ++step) EXPECT_LT(rate(step), rate(step + 1));
  const float ratio = rate(21) / rate(20);
  for (int step = 20; step < 299; ++step) EXPECT_NEAR(rate(step + 1) / rate(step), ratio, 1e-5f);
  EXPECT_LT(ratio, 1.0f);
}

TEST(Schedule, ShorterThanItsWarmup) {
  for (int step = 0; step < 5; ++step) {
    const float rate = ExponentialSchedule(step, 5, 1.0f, 0.1f, 100);
    EXPECT_GT(rate, 0.0f);
    EXPECT_LE(rate, 1.0f);
  }
  EXPECT_FLOAT_EQ(ExponentialSchedule(0, 1, 1.0f, 0.1f, 0), 1.0f);
}

// Steps of a training that take pace(step) seconds each; the change that the keeper made of its plan.
template <typename Pace>
std::optional<PlanChange> Watch(double planned, int steps, const Pace& pace) {
  PlanKeeper keeper(planned, steps);
  std::optional<PlanChange> change;
  double seconds = 0;
  for (int step = 1; step <= (change ? change->steps : steps); ++step) {
    seconds += pace(step);
    const auto made = keeper.AfterStep(step, seconds);
    if (!made) continue;
    EXPECT_FALSE(change) << "a second change";
    EXPECT_EQ(made->at_step, step);
    change = made;
  }
  EXPECT_TRUE(!change || std::abs(seconds - planned) <= 0.06 * planned + pace(0)) << seconds;
  return change;
}

TEST(PlanKeeper, KeepsAPlanThatHolds) {
  EXPECT_FALSE(Watch(100, 1000, [](int) { return 0.1; }));
  EXPECT_FALSE(Watch(100, 1000, [](int) { return 0.104; }));
  EXPECT_FALSE(Watch(0, 1000, [](int) { return 7.0; }));  // no time was asked for
  EXPECT_FALSE(Watch(10, 100, [](int) { return 0.3; }));  // nor is a plan of seconds worth it
}

TEST(PlanKeeper, RemakesAPlanOnceWhereStepsTakeAnotherTime) {
  const auto slower = Watch(100, 1000, [](int) { return 0.2; });
  ASSERT_TRUE(slower);
  EXPECT_EQ(slower->at_step, 250);  // half of the time
  EXPECT_NEAR(slower->steps, 500, 1);
  const auto faster = Watch(100, 1000, [](int) { return 0.07; });
  ASSERT_TRUE(faster);
  EXPECT_EQ(faster->at_step, 500);  // half of the steps
  EXPECT_NEAR(faster->steps, 1428, 2);
  // Steps get shorter while empty space is found: what counts is how long they take later on.
  ASSERT_TRUE(Watch(100, 600, [](int step) { return step < 100 ? 0.2 : 0.1; }));
  // Fog: a few steps tell as well.
  const auto few = Watch(60, 56, [](int) { return 7.0; });
  ASSERT_TRUE(few);
  EXPECT_LT(few->steps, 12);
}

TEST(PlanKeeper, AMachineThatWasBusyForAMomentDoesNotCount) {
  EXPECT_FALSE(Watch(100, 1000, [](int step) { return step >= 300 && step < 330 ? 0.25 : 0.1; }));
}

TEST(PlanKeeper, AResumedTrainingShowsItsPaceFirst) {
  PlanKeeper keeper(100, 1000);
  double seconds = 60;  // of an earlier process
  int step = 300;
  std::optional<PlanChange> change;
  while (!change && step < 1000) change = keeper.AfterStep(++step, seconds += 0.2);
  ASSERT_TRUE(change);
  EXPECT_GE(seconds, 75);
  EXPECT_NEAR(change->steps, step + (100 - seconds) / 0.2, 2);
}

TEST(PlanKeeper, NoMoreThanTwiceTheSteps) {
  PlanKeeper keeper(100, 1000);
  std::optional<PlanChange> change;
  double seconds = 0;
  for (int step = 1; step < 1000 && !change; ++step) change = keeper.AfterStep(step, seconds += 0.031);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->steps, 2000);
}

}  // namespace
}  // namespace semfield
