#include "semfield/base/rate_meter.h"

#include <gtest/gtest.h>

namespace semfield {
namespace {

TEST(RateMeter, SteadyPace) {
  RateMeter meter;
  EXPECT_LT(meter.SecondsLeft(100), 0);
  meter.Update(0, 5);
  EXPECT_LT(meter.SecondsLeft(100), 0);
  for (int i = 1; i <= 10; ++i) meter.Update(10 * i, 5 + 2 * i);
  EXPECT_DOUBLE_EQ(meter.SecondsPerUnit(), 0.2);
  EXPECT_DOUBLE_EQ(meter.SecondsLeft(300), 40);
  EXPECT_DOUBLE_EQ(meter.SecondsLeft(50), 0);
}

TEST(RateMeter, OnePauseDoesNotMoveIt) {
  RateMeter meter;
  double seconds = 0;
  for (int i = 0; i <= 20; ++i) meter.Update(i, seconds += i == 12 ? 500 : 1);
  EXPECT_DOUBLE_EQ(meter.SecondsPerUnit(), 1);
}

// A teacher is waited for after every seventh step or so: most intervals are quick, and the time is in the
// others.
TEST(RateMeter, CountsWorkThatComesInBurstsInFull) {
  RateMeter meter;
  double seconds = 0, done = 0;
  meter.Update(0, 0);
  for (int burst = 0; burst < 20; ++burst) {
    for (int i = 0; i < 2; ++i) meter.Update(done += 6, seconds += 0.5);
    meter.Update(done += 1, seconds += 2);
  }
  EXPECT_NEAR(meter.SecondsPerUnit(), 3.0 / 13, 0.01);
  EXPECT_NEAR(meter.SecondsLeft(done + 1300), 300, 10);
}

TEST(RateMeter, FollowsALastingChangeAndRestarts) {
  RateMeter meter(5);
  double seconds = 0;
  for (int i = 0; i <= 20; ++i) meter.Update(i, seconds += 1);
  for (int i = 21; i <= 25; ++i) meter.Update(i, seconds += 3);
  EXPECT_DOUBLE_EQ(meter.SecondsPerUnit(), 3);
  meter.Update(25, seconds + 1);  // no progress: not an interval of its own
  meter.Update(26, seconds += 3);
  EXPECT_DOUBLE_EQ(meter.SecondsPerUnit(), 3);
  meter.Update(0, seconds);
  EXPECT_LT(meter.SecondsPerUnit(), 0);
}

}  // namespace
}  // namespace semfield
