#include "semfield/capture/frame_rotation.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "semfield/base/check.h"

namespace semfield {

RotationPlan RotationPlan::Make(uint64_t seed, int num_frames, int resident, int64_t steps,
                                double frames_per_step) {
  SF_CHECK(resident >= 1 && resident <= num_frames);
  SF_CHECK_GT(steps, 0);
  RotationPlan plan{.order = std::vector<int>(num_frames), .resident = resident, .steps = steps};
  std::iota(plan.order.begin(), plan.order.end(), 0);
  Random random(seed, 40);
  for (int last = num_frames - 1; last > 0; --last) {
    std::swap(plan.order[last], plan.order[random.Below(static_cast<uint32_t>(last) + 1)]);
  }
  const double cycles = std::round(static_cast<double>(steps) * frames_per_step / num_frames);
  // Faster than a window a step, frames would be jumped over.
  const double most = std::floor(static_cast<double>(steps) * resident / num_frames);
  plan.cycles = static_cast<int64_t>(std::max(1.0, std::min(cycles, most)));
  return plan;
}

int64_t RotationPlan::Start(int64_t step) const {
  const auto moves = static_cast<__int128>(cycles) * static_cast<int64_t>(order.size());
  return static_cast<int64_t>(moves * step / steps);
}

FrameRotation::FrameRotation(RotationPlan plan, int look_ahead, int num_workers, Loader loader)
    : plan_(std::move(plan)), look_ahead_(look_ahead), loader_(std::move(loader)) {
  SF_CHECK_GT(look_ahead, 0);
  workers_.Start(num_workers, BackgroundThreads::Priority::kNormal, [this](int) { Work(); });
}

FrameRotation::~FrameRotation() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  workers_.Join();
}

FrameRotation::Loaded FrameRotation::Load(int64_t position) const {
  try {
    return {.frame = loader_(plan_.Frame(position)), .error = nullptr};
  } catch (...) {
    return {.frame = nullptr, .error = std::current_exception()};
  }
}

void FrameRotation::Work() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stop_ || (ready_ && next_ < start_ + plan_.resident + look_ahead_); });
    if (stop_) return;
    const int64_t position = next_++, generation = generation_;
    lock.unlock();
    Loaded loaded = Load(position);
    lock.lock();
    if (generation == generation_ && position >= start_) loaded_[position] = std::move(loaded);
    changed_.notify_all();
  }
}

// With all threads: a training waits for its first window.
void FrameRotation::LoadWhole(int64_t start) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++generation_;
    ready_ = false;
    loaded_.clear();
    start_ = start;
    next_ = start + plan_.resident;
  }
  std::vector<Loaded> loaded(plan_.resident);
  ParallelFor(plan_.resident, [&](int64_t k, int) { loaded[k] = Load(start + k); });
  const std::lock_guard<std::mutex> lock(mutex_);
  for (int k = 0; k < plan_.resident; ++k) loaded_[start + k] = std::move(loaded[k]);
  ready_ = true;
}

void FrameRotation::Advance(int64_t start) {
  std::unique_lock<std::mutex> lock(mutex_);
  loaded_.erase(loaded_.begin(), loaded_.lower_bound(start));
  start_ = start;
  next_ = std::max(next_, start);
  changed_.notify_all();
  for (int64_t position = start; position < start + plan_.resident; ++position) {
    changed_.wait(lock, [&] { return loaded_.contains(position); });
  }
}

const FrameRotation::Window& FrameRotation::At(int64_t step) {
  SF_CHECK_GE(step, 0);
  const int64_t start = plan_.Start(step);
  if (!window_.empty() && start == start_) return window_;
  const bool far = window_.empty() || start < start_ || start >= start_ + plan_.resident;
  window_.clear();  // frames that leave must be free before others come
  if (far) {
    LoadWhole(start);
  } else {
    Advance(start);
  }
  changed_.notify_all();
  const std::lock_guard<std::mutex> lock(mutex_);
  for (int64_t position = start; position < start + plan_.resident; ++position) {
    const Loaded& loaded = loaded_.at(position);
    if (loaded.error) {
      window_.clear();
      std::rethrow_exception(loaded.error);
    }
    window_.push_back(loaded.frame);
  }
  return window_;
}

}  // namespace semfield
