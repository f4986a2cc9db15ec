#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "semfield/base/parallel.h"
#include "semfield/capture/pixel_set.h"
#include "semfield/image/image.h"

namespace semfield {

// Which frames are in memory at a step, when not all of them are: a window of `resident` frames that goes
// `cycles` times round a random order of all frames while the steps go from 0 to `steps`. Whole cycles give
// every frame the same number of steps. A function of the step alone, whatever was fast or slow.
struct RotationPlan {
  std::vector<int> order;  // a permutation of all frames
  int resident = 1;        // at most all
  int64_t cycles = 1;
  int64_t steps = 1;

  // As near to frames_per_step as whole cycles allow, one cycle at least and no more than a window a step. 1
  // <= resident <= num_frames.
  static RotationPlan Make(uint64_t seed, int num_frames, int resident, int64_t steps,
                           double frames_per_step);
  // Where the window starts at a step; it only grows. The frame at a position of the endless order.
  int64_t Start(int64_t step) const;
  int Frame(int64_t position) const { return order[static_cast<size_t>(position) % order.size()]; }
};

struct ResidentFrame {
  int frame = 0;
  std::shared_ptr<const ImageU8> image;
  PixelSet pixels;
  std::vector<float> depths;  // [height, width] z-depths, 0: unknown; empty: none is
};

// Keeps the window of a plan in memory and loads what comes next in the background. Holds at most
// plan.resident + look_ahead frames, those being loaded included.
class FrameRotation {
 public:
  using Window = std::vector<std::shared_ptr<const ResidentFrame>>;
  using Loader = std::function<std::shared_ptr<const ResidentFrame>(int frame)>;
  // The loader is called from several threads at once.
  FrameRotation(RotationPlan plan, int look_ahead, int num_workers, Loader loader);
  ~FrameRotation();  // what is being loaded is finished first

  // The frames resident at `step`, in the window's order; valid until the next call. Waits for what is still
  // being loaded and rethrows what a loader threw. A step before the last one, or far behind it, loads the
  // whole window. From one thread at a time.
  const Window& At(int64_t step);

  const RotationPlan& plan() const { return plan_; }

 private:
  struct Loaded {
    std::shared_ptr<const ResidentFrame> frame;
    std::exception_ptr error;
  };
  void Work();
  Loaded Load(int64_t position) const;
  void LoadWhole(int64_t start);
  void Advance(int64_t start);

  const RotationPlan plan_;
  const int look_ahead_;
  const Loader loader_;
  Window window_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_. Positions [start_, next_) are loaded or being loaded.
  int64_t start_ = 0, next_ = 0;
  int64_t generation_ = 0;  // of loads; those begun before a jump are dropped
  bool ready_ = false;      // a window was asked for
  bool stop_ = false;
  std::map<int64_t, Loaded> loaded_;  // by position
  BackgroundThreads workers_;
};

}  // namespace semfield
