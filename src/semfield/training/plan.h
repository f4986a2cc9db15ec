#pragma once

#include <optional>
#include <vector>

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

// A plan that was remade: from the moment when `at_step` steps were made, the training has `steps` in all.
struct PlanChange {
  int at_step = 0;
  int steps = 0;
  bool operator==(const PlanChange&) const = default;
};

// Looks half way whether a training will keep its time, and remakes the plan once if it will not. The pace is
// the median of several stretches of steps, so that a machine that was busy for a moment does not count.
class PlanKeeper {
 public:
  // All `steps` were planned to take `planned_seconds`; plans of less than kShortest are kept as they are,
  // and 0 keeps any.
  PlanKeeper(double planned_seconds, int steps) : planned_(planned_seconds), steps_(steps) {}

  // To be called when `step` steps have been made, `seconds` into the whole training. A change once at most,
  // with one step left at least.
  std::optional<PlanChange> AfterStep(int step, double seconds);

  static constexpr double kShortest = 20;     // seconds
  static constexpr double kTolerance = 0.06;  // of the planned time
  static constexpr double kMostGrowth = 2;    // of the steps: memory was planned for the first

 private:
  struct Moment {
    int step;
    double seconds;
  };
  double Pace() const;

  const double planned_;
  const int steps_;
  bool looked_ = false;
  std::vector<Moment> moments_;
};

}  // namespace semfield
