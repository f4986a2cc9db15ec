#include "semfield/training/plan.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/check.h"
#include "semfield/base/error.h"

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

}  // namespace semfield
