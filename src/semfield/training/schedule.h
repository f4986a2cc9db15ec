#pragma once

namespace semfield {

// Learning rate of one step: climbs linearly to `first` over `warmup` steps, (step + 1) / (warmup + 1) of it,
// is `first` at step == warmup and falls exponentially to first * last_factor at the last step, total - 1.
// Steps beyond keep the last value.
float ExponentialSchedule(int step, int total, float first, float last_factor, int warmup);

}  // namespace semfield
