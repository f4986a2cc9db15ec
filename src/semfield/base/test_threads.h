#pragma once

#include "semfield/base/parallel.h"

namespace semfield {

// For tests: sets the number of threads and puts it back.
class ScopedThreads {
 public:
  explicit ScopedThreads(int threads) : before_(NumThreads()) { SetNumThreads(threads); }
  ~ScopedThreads() { SetNumThreads(before_); }
  ScopedThreads(const ScopedThreads&) = delete;
  ScopedThreads& operator=(const ScopedThreads&) = delete;

 private:
  int before_;
};

}  // namespace semfield
