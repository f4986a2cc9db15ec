#pragma once

#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "semfield/base/function_ref.h"

namespace semfield {

// The one place threads come from. The pool starts on first use with NumThreads() - 1 helpers; the caller
// works too. SetNumThreads must not be called while a loop runs. 0 means all cores of this process's affinity
// mask.
int NumThreads();
void SetNumThreads(int num_threads);

// Runs body(task, worker) for every task in [0, num_tasks), tasks handed out in increasing order, and returns
// when all are done. worker is in [0, NumThreads()) and no two running tasks of one loop share it. The first
// exception stops the hand-out and is rethrown here. Loops of several threads run at the same time and share
// the helpers: a free helper joins the loop that has the fewest. A loop started inside a loop runs on the
// calling thread alone (worker 0), so nothing can deadlock. How many helpers a loop gets is chance: results
// may not depend on worker. Allocates nothing.
void ParallelFor(int64_t num_tasks, FunctionRef<void(int64_t task, int worker)> body);

// Splits [0, count) into chunks of chunk_size (the last may be shorter): body(begin, end, worker).
void ParallelChunks(int64_t count, int64_t chunk_size,
                    FunctionRef<void(int64_t begin, int64_t end, int worker)> body);

// While one of these lives, the thread that made it is a visitor: each of its loops runs on at most
// num_threads threads (>= 1), itself included. Visitors never have all helpers: one is always left to the
// loops of others, so that a viewer that renders does not make the loops of a training run on one thread. 1:
// the visitor's loops run on its own thread alone. Inside another one, the smaller of the two numbers counts.
// NumThreads() and what a loop computes stay the same.
class ThreadShare {
 public:
  explicit ThreadShare(int num_threads);
  ~ThreadShare();
  ThreadShare(const ThreadShare&) = delete;
  ThreadShare& operator=(const ThreadShare&) = delete;

 private:
  int previous_;
};

// Threads for work that goes on behind a caller's back: photos read ahead, views of a teacher. Loops that
// they start run on their own thread alone, so that they take no helper from a training.
class BackgroundThreads {
 public:
  enum class Priority {
    kNormal,
    kBelowTraining,  // gives way to the threads of loops where there are too few cores
  };
  BackgroundThreads() = default;
  ~BackgroundThreads();  // joins
  BackgroundThreads(const BackgroundThreads&) = delete;
  BackgroundThreads& operator=(const BackgroundThreads&) = delete;

  // Starts num_threads threads, each of which calls work(index) once, index in [0, num_threads). `work` must
  // not throw. Called once. Where not all of them can be started: ResourceError, and `work` was not called.
  void Start(int num_threads, Priority priority, std::function<void(int index)> work);
  // Waits until all calls of `work` have returned; whoever owns this has told them to.
  void Join();

 private:
  std::vector<std::thread> threads_;
};

}  // namespace semfield
