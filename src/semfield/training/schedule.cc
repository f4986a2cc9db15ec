#include "semfield/training/schedule.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/check.h"

namespace semfield {

float ExponentialSchedule(int step, int total, float first, float last_factor, int warmup) {
  SF_CHECK_GE(step, 0);
  SF_CHECK_GE(warmup, 0);
  SF_CHECK_GT(last_factor, 0.0f);
  if (step < warmup) return first * static_cast<float>(step + 1) / static_cast<float>(warmup + 1);
  const int falling_steps = total - 1 - warmup;
  if (falling_steps <= 0) return first;
  const double t = std::min(1.0, static_cast<double>(step - warmup) / falling_steps);
  return static_cast<float>(first * std::pow(static_cast<double>(last_factor), t));
}

}  // namespace semfield
