#include "semfield/base/deadline.h"

#include <chrono>

namespace semfield {

Deadline::Deadline(double seconds, StopToken* stop) {
  if (!(seconds > 0)) return;
  clock_.Start(1, BackgroundThreads::Priority::kNormal, [this, seconds, stop](int) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::duration<double>(seconds), [this] { return over_; }))
      stop->RequestStop();
  });
}

Deadline::~Deadline() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  clock_.Join();
}

}  // namespace semfield
