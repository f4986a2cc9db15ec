#include "semfield/methods/feature_field/view_schedule.h"

#include <algorithm>

#include "semfield/base/random.h"

namespace semfield {

bool ViewSchedule::WantsFresh(const FeatureOptions& options, int step, int64_t fresh_used) {
  const int64_t prefill = options.prefill.value_or(options.cache_size);
  if (fresh_used < std::max<int64_t>(1, prefill)) return true;
  if (options.fresh_rule == FreshRule::kEveryFourth) return step % 4 == 0;
  return Random(MixSeed(options.seed, step), 31).Uniform() < options.fresh_probability;
}

ViewSchedule::Visit ViewSchedule::Next() const {
  if (WantsFresh(options_, step_, fresh_used_)) {
    return {.is_fresh = true, .cached = std::min<size_t>(visits_.size(), options_.cache_size - 1)};
  }
  const int fewest = *std::min_element(visits_.begin(), visits_.end());
  const auto equals = static_cast<uint32_t>(std::count(visits_.begin(), visits_.end(), fewest));
  uint32_t skip = Random(MixSeed(options_.seed, step_), 32).Below(equals);
  size_t at = 0;
  while (visits_[at] != fewest || skip-- > 0) ++at;
  return {.is_fresh = false, .cached = at};
}

void ViewSchedule::Advance() {
  const Visit visit = Next();
  if (visit.is_fresh) {
    visits_.push_back(0);
    if (visits_.size() > static_cast<size_t>(options_.cache_size)) visits_.pop_front();
    ++fresh_used_;
  }
  ++visits_[visit.cached];
  ++step_;
}

int64_t FreshViewsOf(const FeatureOptions& options) {
  int64_t fresh = 0;
  for (int step = 0; step < options.steps; ++step) fresh += ViewSchedule::WantsFresh(options, step, fresh);
  return fresh;
}

}  // namespace semfield
