#include "semfield/training/plan.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/base/median.h"

namespace semfield {

StepPlan PlanByMinutes(double minutes, double measured_seconds_per_step, double overhead_seconds,
                       int min_steps, int max_steps) {
  if (!(minutes > 0) || !std::isfinite(minutes)) {
    throw InputError("minutes: expected a number above 0, got {}", minutes);
  }
  SF_CHECK(measured_seconds_per_step > 0 && std::isfinite(measured_seconds_per_step));
  SF_CHECK(overhead_seconds >= 0 && std::isfinite(overhead_seconds));
  SF_CHECK_GE(min_steps, 0);
  SF_CHECK_LE(min_steps, max_steps);
  const double asked = 60 * minutes;
  const double fitting = std::floor((asked - overhead_seconds) / measured_seconds_per_step);
  StepPlan plan;
  plan.steps = static_cast<int>(std::clamp<double>(fitting, min_steps, max_steps));
  plan.seconds_per_step = measured_seconds_per_step;
  plan.overhead_seconds = overhead_seconds;
  plan.expected_seconds = plan.steps * measured_seconds_per_step + overhead_seconds;
  plan.over_time = fitting < min_steps;
  return plan;
}

int PlanSteps(double minutes, double measured_seconds_per_step, double overhead_seconds, int min_steps,
              int max_steps) {
  return PlanByMinutes(minutes, measured_seconds_per_step, overhead_seconds, min_steps, max_steps).steps;
}

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
