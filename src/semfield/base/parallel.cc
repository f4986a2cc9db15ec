#include "semfield/base/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "semfield/base/check.h"
#include "semfield/base/error.h"

namespace semfield {
namespace {

using Body = FunctionRef<void(int64_t, int)>;

thread_local bool t_serial = false;

int CoresOfThisProcess() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

// One loop at a time: helpers sleep on a condition variable after a short spin, because a training step
// starts a dozen loops of a few milliseconds and waking a sleeping thread costs tens of microseconds. A
// helper that wakes when all tasks are handed out is not waited for: on a busy machine it may not get a core
// for many milliseconds.
class Pool {
 public:
  explicit Pool(int num_threads) : num_threads_(num_threads) {
    try {
      for (int worker = 1; worker < num_threads; ++worker) {
        helpers_.emplace_back([this, worker] { Work(worker); });
      }
    } catch (const std::system_error& error) {
      StopHelpers();
      throw ResourceError("could not start {} threads: {}; ask for fewer", num_threads, error.what());
    }
  }

  ~Pool() { StopHelpers(); }

  int num_threads() const { return num_threads_; }
  std::mutex& owner() { return owner_; }

  // The caller holds owner().
  void Run(int64_t num_tasks, const Body& body) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      body_ = &body;
      num_tasks_ = num_tasks;
      next_.store(0);
      open_ = true;
      generation_.fetch_add(1);
    }
    wake_.notify_all();
    Drain(0);
    {
      std::unique_lock<std::mutex> lock(mutex_);
      open_ = false;  // whoever has not entered by now stays out
    }
    for (int spin = 0; spin < 50 && inside_.load(std::memory_order_acquire) != 0; ++spin) {
      std::this_thread::yield();
    }
    std::unique_lock<std::mutex> lock(mutex_);
    left_.wait(lock, [&] { return inside_.load() == 0; });
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  void StopHelpers() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
      generation_.fetch_add(1);
    }
    wake_.notify_all();
    for (std::thread& helper : helpers_) helper.join();
  }

  void Drain(int worker) {
    const bool was_serial = t_serial;
    t_serial = true;
    for (;;) {
      const int64_t task = next_.fetch_add(1);
      if (task >= num_tasks_) break;
      try {
        (*body_)(task, worker);
      } catch (...) {
        std::lock_guard<std::mutex> lock(mutex_);
        if (!error_) error_ = std::current_exception();
        next_.store(num_tasks_);
      }
    }
    t_serial = was_serial;
  }

  void Work(int worker) {
    uint64_t seen = 0;
    for (;;) {
      for (int spin = 0; spin < 200 && generation_.load(std::memory_order_acquire) == seen; ++spin) {
        std::this_thread::yield();
      }
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return generation_.load() != seen; });
        seen = generation_.load();
        if (stop_) return;
        if (!open_) continue;
        inside_.fetch_add(1);
      }
      Drain(worker);
      std::lock_guard<std::mutex> lock(mutex_);
      if (inside_.fetch_sub(1) == 1) left_.notify_one();
    }
  }

  const int num_threads_;
  std::mutex owner_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<uint64_t> generation_{0};
  std::atomic<int64_t> next_{0};
  std::condition_variable left_;
  std::atomic<int> inside_{0};  // helpers that entered the present loop
  bool open_ = false;
  const Body* body_ = nullptr;
  int64_t num_tasks_ = 0;
  std::exception_ptr error_;
  bool stop_ = false;
  std::vector<std::thread> helpers_;
};

struct Global {
  std::mutex mutex;
  int requested = 0;
  std::unique_ptr<Pool> pool;
};

Global& TheGlobal() {
  static Global global;
  return global;
}

Pool& ThePool() {
  Global& global = TheGlobal();
  std::lock_guard<std::mutex> lock(global.mutex);
  if (!global.pool) {
    global.pool = std::make_unique<Pool>(global.requested > 0 ? global.requested : CoresOfThisProcess());
  }
  return *global.pool;
}

void RunSerial(int64_t num_tasks, const Body& body) {
  for (int64_t task = 0; task < num_tasks; ++task) body(task, 0);
}

}  // namespace

int NumThreads() {
  return ThePool().num_threads();
}

void SetNumThreads(int num_threads) {
  SF_CHECK_GE(num_threads, 0);
  Global& global = TheGlobal();
  std::lock_guard<std::mutex> lock(global.mutex);
  global.requested = num_threads;
  global.pool.reset();
}

void ParallelFor(int64_t num_tasks, Body body) {
  if (num_tasks <= 0) return;
  if (num_tasks == 1 || t_serial) return RunSerial(num_tasks, body);
  Pool& pool = ThePool();
  std::unique_lock<std::mutex> owner(pool.owner(), std::try_to_lock);
  if (!owner.owns_lock() || pool.num_threads() == 1) return RunSerial(num_tasks, body);
  pool.Run(num_tasks, body);
}

void ParallelChunks(int64_t count, int64_t chunk_size, FunctionRef<void(int64_t, int64_t, int)> body) {
  SF_CHECK_GT(chunk_size, 0);
  if (count <= 0) return;
  const int64_t num_chunks = (count - 1) / chunk_size + 1;
  ParallelFor(num_chunks, [&](int64_t chunk, int worker) {
    const int64_t begin = chunk * chunk_size;
    body(begin, begin + std::min(chunk_size, count - begin), worker);
  });
}

ScopedSerial::ScopedSerial() : previous_(t_serial) {
  t_serial = true;
}
ScopedSerial::~ScopedSerial() {
  t_serial = previous_;
}

}  // namespace semfield
