#include "semfield/training/plan.h"

#include <algorithm>
#include <cmath>

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

// Seconds a step over the later half of what was seen: a training's first steps are not like its others.
double PlanKeeper::Pace() const {
  constexpr size_t kStretches = 5;
  const size_t from = moments_.size() / 2, count = moments_.size() - 1 - from;
  const size_t stretches = std::min(kStretches, count);
  std::vector<double> paces;
  for (size_t k = 0; k < stretches; ++k) {
    const Moment& begin = moments_[from + k * count / stretches];
    const Moment& end = moments_[from + (k + 1) * count / stretches];
    paces.push_back((end.seconds - begin.seconds) / (end.step - begin.step));
  }
  return Median(paces);
}

std::optional<PlanChange> PlanKeeper::AfterStep(int step, double seconds) {
  constexpr double kFewestSeen = 0.15;  // of the planned time: a resumed training has to show its pace first
  if (looked_ || planned_ < kShortest) return std::nullopt;
  moments_.push_back({step, seconds});
  if (seconds < planned_ / 2 && step < steps_ / 2) return std::nullopt;
  if (moments_.size() < 4 || seconds - moments_.front().seconds < kFewestSeen * planned_) return std::nullopt;
  looked_ = true;
  const double pace = Pace();
  if (!(pace > 0) || step >= steps_) return std::nullopt;
  const double expected = seconds + (steps_ - step) * pace;
  if (std::abs(expected - planned_) <= kTolerance * planned_) return std::nullopt;
  const double fitting = step + std::max(1.0, std::floor((planned_ - seconds) / pace));
  return PlanChange{.at_step = step, .steps = static_cast<int>(std::min(fitting, kMostGrowth * steps_))};
}

}  // namespace semfield
