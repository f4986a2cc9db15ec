#include "semfield/base/rate_meter.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "semfield/base/check.h"
#include "semfield/base/median.h"

namespace semfield {

RateMeter::RateMeter(size_t window) : window_(window) {
  SF_CHECK_GT(window, 0u);
}

void RateMeter::Update(double done, double seconds) {
  if (started_ && (done < done_ || seconds < seconds_)) {
    started_ = false;
    intervals_.clear();
  }
  if (started_ && done == done_) return;  // time without progress belongs to the next unit
  if (started_) {
    intervals_.push_back({done - done_, seconds - seconds_});
    if (intervals_.size() > window_) intervals_.pop_front();
  }
  started_ = true;
  done_ = done;
  seconds_ = seconds;
}

double RateMeter::SecondsPerUnit() const {
  if (intervals_.empty()) return -1;
  std::vector<double> lengths;
  for (const Interval& interval : intervals_) lengths.push_back(interval.seconds);
  const double longest = kPause * Median(std::move(lengths));
  double units = 0, seconds = 0;
  for (const Interval& interval : intervals_) {
    if (interval.seconds > longest) continue;
    units += interval.units;
    seconds += interval.seconds;
  }
  return seconds / units;
}

double RateMeter::SecondsLeft(double total) const {
  const double pace = SecondsPerUnit();
  return pace < 0 ? -1 : std::max(0.0, total - done_) * pace;
}

}  // namespace semfield
