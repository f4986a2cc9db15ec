#pragma once

#include <cstddef>
#include <deque>

namespace semfield {

// Time left from the recent pace: units done in the last intervals over the time they took. Work that comes
// in bursts (steps that sometimes wait for a teacher) is counted in full; a pause, an interval more than
// kPause times as long as the median one (an evaluation, a machine that slept), is not. Time comes from the
// caller.
class RateMeter {
 public:
  explicit RateMeter(size_t window = 61);
  // `done` units at `seconds` on any clock. The first call is only the start; going back in either starts
  // anew.
  void Update(double done, double seconds);
  double SecondsPerUnit() const;           // < 0: not known yet
  double SecondsLeft(double total) const;  // < 0: not known yet; never below 0 once known
  static constexpr double kPause = 20;

 private:
  struct Interval {
    double units, seconds;
  };

  size_t window_;
  bool started_ = false;
  double done_ = 0;
  double seconds_ = 0;
  std::deque<Interval> intervals_;
};

}  // namespace semfield
