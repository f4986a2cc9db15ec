#pragma once

#include <condition_variable>
#include <mutex>

#include "semfield/base/job_control.h"
#include "semfield/base/parallel.h"

namespace semfield {

// Asks work to stop after so many seconds, wherever it is by then; work that ends earlier destroys this.
class Deadline {
 public:
  // seconds not above 0: never. The token must outlive this object.
  Deadline(double seconds, StopToken* stop);
  ~Deadline();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;  // the work ended first
  BackgroundThreads clock_;
};

}  // namespace semfield
