#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "semfield/methods/feature_field/feature_options.h"

namespace semfield {

// Which view each step of an imitation sees: a fresh one by the cache rule of the options, or one of the
// cached ones (SAN section 4.3). Of those, one with the fewest visits so far, by chance among equals: every
// view that the teacher was asked about then counts alike, early or late. Depends on the options alone.
class ViewSchedule {
 public:
  explicit ViewSchedule(const FeatureOptions& options) : options_(options) {}

  struct Visit {
    bool is_fresh = false;
    size_t cached = 0;  // where it lies in the cache after a fresh one was added, 0 = oldest
  };
  // The view of step().
  Visit Next() const;
  // Notes that step() was made.
  void Advance();

  int step() const { return step_; }
  int64_t fresh_used() const { return fresh_used_; }  // views that were fresh before step()

  // Whether step `step` should see a fresh view, given how many fresh views were used before it.
  static bool WantsFresh(const FeatureOptions& options, int step, int64_t fresh_used);

 private:
  FeatureOptions options_;
  int step_ = 0;
  int64_t fresh_used_ = 0;
  std::deque<int> visits_;  // of the cached views, oldest first
};

// Views that a training of these options uses in all its steps.
int64_t FreshViewsOf(const FeatureOptions& options);

}  // namespace semfield
