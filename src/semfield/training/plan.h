#pragma once

namespace semfield {

// How many steps fit into the minutes asked for.
struct StepPlan {
  int steps = 0;
  double seconds_per_step = 0;
  double overhead_seconds = 0;  // what is not steps: loading, warming up, evaluation, writing
  double expected_seconds = 0;  // steps * seconds_per_step + overhead_seconds
  bool over_time = false;       // the fewest steps allowed take longer than asked for
};

// floor((60 minutes - overhead) / seconds per step), held within [min_steps, max_steps]. minutes not above 0
// or not finite: Error.
StepPlan PlanByMinutes(double minutes, double measured_seconds_per_step, double overhead_seconds,
                       int min_steps, int max_steps);

}  // namespace semfield
