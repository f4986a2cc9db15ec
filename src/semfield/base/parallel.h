#pragma once

#include <cstdint>

#include "semfield/base/function_ref.h"

namespace semfield {

// The one place threads come from. The pool starts on first use with NumThreads() - 1 helpers; the caller
// works too. SetNumThreads must not be called while a loop runs. 0 means all cores of this process's affinity
// mask.
int NumThreads();
void SetNumThreads(int num_threads);

// Runs body(task, worker) for every task in [0, num_tasks), tasks handed out in increasing order, and returns
// when all are done. worker is in [0, NumThreads()) and no two running tasks of one loop share it. The first
// exception stops the hand-out and is rethrown here. A loop started inside a loop, or while another thread's
// loop holds the pool, runs on the calling thread alone (worker 0), so nothing can deadlock and results may
// not depend on worker. Allocates nothing.
void ParallelFor(int64_t num_tasks, FunctionRef<void(int64_t task, int worker)> body);

// Splits [0, count) into chunks of chunk_size (the last may be shorter): body(begin, end, worker).
void ParallelChunks(int64_t count, int64_t chunk_size,
                    FunctionRef<void(int64_t begin, int64_t end, int worker)> body);

// While one of these lives, loops started by this thread run on this thread alone: for a background worker
// that must not take the pool from the trainer.
class ScopedSerial {
 public:
  ScopedSerial();
  ~ScopedSerial();
  ScopedSerial(const ScopedSerial&) = delete;
  ScopedSerial& operator=(const ScopedSerial&) = delete;

 private:
  bool previous_;
};

}  // namespace semfield
