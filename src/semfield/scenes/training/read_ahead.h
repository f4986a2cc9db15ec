#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <utility>

#include "semfield/base/parallel.h"

namespace semfield {

// Batches by step, each a function of the step alone; the next one is made by a thread of its own while the
// last is worked on.
template <class Batch>
class ReadAhead {
 public:
  // make: called by one thread at a time; what it throws, Next throws.
  explicit ReadAhead(std::function<Batch(int step)> make) : make_(std::move(make)) {}

  Batch Next(int step) {  // steps that follow each other are made ahead
    const std::unique_ptr<Ahead> ahead = std::move(ahead_);
    if (ahead != nullptr) ahead->thread.Join();
    if (ahead != nullptr && ahead->step == step && ahead->error) std::rethrow_exception(ahead->error);
    Batch batch = ahead != nullptr && ahead->step == step ? std::move(ahead->batch) : make_(step);
    auto next = std::make_unique<Ahead>();
    next->step = step + 1;
    next->thread.Start(1, BackgroundThreads::Priority::kNormal, [this, into = next.get()](int) {
      const ThreadShare alone(1);
      try {
        into->batch = make_(into->step);
      } catch (...) {
        into->error = std::current_exception();
      }
    });
    ahead_ = std::move(next);
    return batch;
  }

 private:
  struct Ahead {
    int step = 0;
    Batch batch;
    std::exception_ptr error;
    BackgroundThreads thread;  // last: it ends before what it writes into
  };
  const std::function<Batch(int step)> make_;
  std::unique_ptr<Ahead> ahead_;
};

}  // namespace semfield
