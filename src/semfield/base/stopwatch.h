#pragma once

#include <chrono>

namespace semfield {

// Wall-clock time since it was made or last restarted. `Clock` is any clock of <chrono> that never steps
// back; tests hand in one that they set. Copies run on from the same start. Reading is safe from several
// threads, restarting is not.
template <typename Clock>
class BasicStopwatch {
 public:
  double Seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  double Milliseconds() const {
    return std::chrono::duration<double, std::milli>(Clock::now() - start_).count();
  }
  // Each returns what it read and starts anew at that same instant, so that laps add up to the whole.
  double LapSeconds() { return std::chrono::duration<double>(Lap()).count(); }
  double LapMilliseconds() { return std::chrono::duration<double, std::milli>(Lap()).count(); }

 private:
  typename Clock::duration Lap() {
    const typename Clock::time_point now = Clock::now();
    const typename Clock::duration lap = now - start_;
    start_ = now;
    return lap;
  }

  typename Clock::time_point start_ = Clock::now();
};

// The one way to measure how long something took.
using Stopwatch = BasicStopwatch<std::chrono::steady_clock>;

}  // namespace semfield
