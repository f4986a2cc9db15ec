#include "semfield/base/parallel.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <future>
#include <limits>
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

constexpr int kNoVisitor = std::numeric_limits<int>::max();
thread_local bool t_serial = false;            // inside a loop
thread_local int t_most_threads = kNoVisitor;  // of the innermost ThreadShare

int CoresOfThisProcess() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

// A loop that runs; it lives on the stack of the thread that started it.
struct Loop {
  Loop(int64_t tasks, const Body& loop_body, int most)
      : num_tasks(tasks), body(loop_body), most_helpers(most) {}
  bool HasTasks() const { return next.load(std::memory_order_relaxed) < num_tasks; }

  const int64_t num_tasks;
  const Body& body;
  const int most_helpers;  // kNoVisitor: not of a visitor
  std::atomic<int64_t> next{0};
  std::atomic<int> helpers{0};  // inside; changed under the pool's mutex
  std::exception_ptr error;     // guarded by the pool's mutex, as the list of loops
  Loop* following = nullptr;
};

// Helpers sleep on a condition variable after a short spin, because a training step starts a dozen loops of a
// few milliseconds and waking a sleeping thread costs tens of microseconds. A helper that wakes when all
// tasks are handed out is not waited for: on a busy machine it may not get a core for many milliseconds.
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

  void Run(int64_t num_tasks, const Body& body, int most_helpers) {
    Loop loop(num_tasks, body, most_helpers);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      loop.following = loops_;
      loops_ = &loop;
      generation_.fetch_add(1);
    }
    wake_.notify_all();
    Drain(loop, 0);
    {
      std::unique_lock<std::mutex> lock(mutex_);
      Remove(loop);  // whoever has not entered by now stays out
    }
    for (int spin = 0; spin < 50 && loop.helpers.load(std::memory_order_acquire) != 0; ++spin) {
      std::this_thread::yield();
    }
    std::unique_lock<std::mutex> lock(mutex_);
    left_.wait(lock, [&] { return loop.helpers.load() == 0; });
    if (loop.error) std::rethrow_exception(std::exchange(loop.error, nullptr));
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

  void Remove(const Loop& loop) {
    Loop** link = &loops_;
    while (*link != &loop) link = &(*link)->following;
    *link = loop.following;
  }

  // The open loop that a free helper should join: the one with the fewest helpers, of equals not a visitor's.
  // Null: none. The caller holds mutex_.
  Loop* Choose() const {
    const int lendable = num_threads_ - 2;  // of num_threads_ - 1 helpers
    Loop* chosen = nullptr;
    for (Loop* loop = loops_; loop != nullptr; loop = loop->following) {
      const int helpers = loop->helpers.load(std::memory_order_relaxed);
      if (!loop->HasTasks() || helpers >= loop->most_helpers) continue;
      const bool visitor = loop->most_helpers != kNoVisitor;
      if (visitor && lent_ >= lendable) continue;
      const int fewest = chosen ? chosen->helpers.load(std::memory_order_relaxed) : kNoVisitor;
      if (helpers < fewest || (helpers == fewest && !visitor)) chosen = loop;
    }
    return chosen;
  }

  void Enter(Loop& loop) {
    loop.helpers.fetch_add(1);
    if (loop.most_helpers != kNoVisitor) ++lent_;
  }

  // Once the last helper has left and let go of mutex_, the loop may be gone.
  void Leave(Loop& loop) {
    if (loop.most_helpers != kNoVisitor) --lent_;
    if (loop.helpers.fetch_sub(1) == 1) left_.notify_all();
  }

  void Drain(Loop& loop, int worker) {
    const bool was_serial = t_serial;
    t_serial = true;
    for (;;) {
      const int64_t task = loop.next.fetch_add(1);
      if (task >= loop.num_tasks) break;
      try {
        loop.body(task, worker);
      } catch (...) {
        std::lock_guard<std::mutex> lock(mutex_);
        if (!loop.error) loop.error = std::current_exception();
        loop.next.store(loop.num_tasks);
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
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return generation_.load() != seen; });
      seen = generation_.load();
      if (stop_) return;
      // Also what another loop, or the limit of visitors, kept this helper from until now.
      while (Loop* loop = Choose()) {
        Enter(*loop);
        lock.unlock();
        Drain(*loop, worker);
        lock.lock();
        Leave(*loop);
      }
    }
  }

  const int num_threads_;
  std::mutex mutex_;
  std::condition_variable wake_, left_;
  std::atomic<uint64_t> generation_{0};  // of loops that were started
  Loop* loops_ = nullptr;                // open ones, the newest first
  int lent_ = 0;                         // helpers inside loops of visitors
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

// Failure to yield is harmless.
void StepBack() {
  const auto thread = static_cast<id_t>(syscall(SYS_gettid));
  (void)setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + 5);
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
  const bool visitor = t_most_threads != kNoVisitor;
  if (visitor && t_most_threads == 1) return RunSerial(num_tasks, body);
  Pool& pool = ThePool();
  if (pool.num_threads() == 1) return RunSerial(num_tasks, body);
  pool.Run(num_tasks, body, visitor ? t_most_threads - 1 : kNoVisitor);
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

ThreadShare::ThreadShare(int num_threads) : previous_(t_most_threads) {
  SF_CHECK_GE(num_threads, 1);
  t_most_threads = std::min(t_most_threads, num_threads);
}
ThreadShare::~ThreadShare() {
  t_most_threads = previous_;
}

BackgroundThreads::~BackgroundThreads() {
  Join();
}

void BackgroundThreads::Start(int num_threads, Priority priority, std::function<void(int)> work) {
  SF_CHECK(threads_.empty());
  std::promise<bool> all_started;
  const std::shared_future<bool> gate = all_started.get_future().share();
  const auto run = [gate, priority, work = std::move(work)](int index) {
    if (!gate.get()) return;
    const ThreadShare own(1);
    if (priority == Priority::kBelowTraining) StepBack();
    work(index);
  };
  try {
    for (int index = 0; index < num_threads; ++index) threads_.emplace_back(run, index);
  } catch (const std::system_error& error) {
    all_started.set_value(false);
    Join();
    throw ResourceError("could not start {} background threads: {}; ask for fewer with --threads",
                        num_threads, error.what());
  }
  all_started.set_value(true);
}

void BackgroundThreads::Join() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace semfield
