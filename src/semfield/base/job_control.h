#pragma once

#include <atomic>
#include <functional>
#include <string>

namespace semfield {

// Asked for from a signal handler or another thread; long work looks at it between steps.
class StopToken {
 public:
  void RequestStop() { requested_.store(true, std::memory_order_relaxed); }
  // Stops whenever `other`, which must outlive this object, does too. To be called before others look.
  void Follow(const StopToken* other) { followed_ = other; }
  bool StopRequested() const {
    return requested_.load(std::memory_order_relaxed) || (followed_ != nullptr && followed_->StopRequested());
  }
  // Throws InterruptedError() if a stop was requested.
  void ThrowIfStopped() const;

 private:
  std::atomic<bool> requested_{false};
  const StopToken* followed_ = nullptr;
};

// What a long job says of itself. done and total are in the job's own units (steps, views).
struct Progress {
  std::string stage;  // "train", "imitate", "evaluate"
  double done = 0;
  double total = 0;
  double seconds_left = -1;  // < 0: not known yet
  std::string detail;        // "PSNR 27.1 dB, 93 k rays/s"
};
using ProgressCallback = std::function<void(const Progress&)>;

// Handed to every job: where to report and when to stop. Both may be left empty.
struct JobControl {
  ProgressCallback progress;
  const StopToken* stop = nullptr;

  void Report(const Progress& p) const {
    if (progress) progress(p);
  }
  bool StopRequested() const { return stop != nullptr && stop->StopRequested(); }
  void ThrowIfStopped() const {
    if (stop != nullptr) stop->ThrowIfStopped();
  }
};

}  // namespace semfield
