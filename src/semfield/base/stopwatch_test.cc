#include "semfield/base/stopwatch.h"

#include <gtest/gtest.h>

#include <chrono>
#include <type_traits>

namespace semfield {
namespace {

// A clock that a test sets; it also counts how often it was read.
struct SetClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<SetClock>;
  static constexpr bool is_steady = true;
  static time_point now() {
    time += per_reading;
    return time_point(time);
  }
  static inline duration time{0};
  static inline duration per_reading{0};
};

using std::chrono::milliseconds;

TEST(Stopwatch, CountsFromWhenItWasMade) {
  SetClock::time = std::chrono::hours(1000);
  const BasicStopwatch<SetClock> stopwatch;
  EXPECT_DOUBLE_EQ(stopwatch.Seconds(), 0);
  SetClock::time += milliseconds(2250);
  EXPECT_DOUBLE_EQ(stopwatch.Seconds(), 2.25);
  EXPECT_DOUBLE_EQ(stopwatch.Milliseconds(), 2250);
  EXPECT_DOUBLE_EQ(stopwatch.Seconds(), 2.25);  // reading does not restart
}

TEST(Stopwatch, LapsStartAnew) {
  BasicStopwatch<SetClock> stopwatch;
  SetClock::time += milliseconds(500);
  EXPECT_DOUBLE_EQ(stopwatch.LapSeconds(), 0.5);
  SetClock::time += milliseconds(125);
  EXPECT_DOUBLE_EQ(stopwatch.LapMilliseconds(), 125);
  EXPECT_DOUBLE_EQ(stopwatch.Seconds(), 0);
}

TEST(Stopwatch, LapsAddUpToTheWhole) {
  const BasicStopwatch<SetClock> whole;
  BasicStopwatch<SetClock> laps = whole;
  SetClock::per_reading = milliseconds(1);  // time goes by between two readings
  double sum = 0;
  for (int lap = 0; lap < 5; ++lap) {
    SetClock::time += milliseconds(7);
    sum += laps.LapMilliseconds();
  }
  SetClock::per_reading = milliseconds(0);
  EXPECT_DOUBLE_EQ(sum, whole.Milliseconds());
}

TEST(Stopwatch, RunsOnAClockThatNeverStepsBack) {
  EXPECT_TRUE((std::is_same_v<Stopwatch, BasicStopwatch<std::chrono::steady_clock>>));
  EXPECT_TRUE(std::chrono::steady_clock::is_steady);
}

}  // namespace
}  // namespace semfield
