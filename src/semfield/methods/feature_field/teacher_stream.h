#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "semfield/base/half.h"
#include "semfield/base/job_control.h"
#include "semfield/base/parallel.h"
#include "semfield/methods/feature_field/token_inputs.h"

namespace semfield {

// One view the teacher has seen: what the student gets and what it should say.
struct TeacherEntry {
  int64_t index = 0;  // in the stream of views
  TokenInputs inputs;
  std::vector<Half> target;  // [channels, tokens]
  size_t bytes() const;
};

// Makes teacher entries in the background, several at once and each on one thread, and hands them out in the
// order of their index: what a step sees does not depend on how fast anything was. At most look_ahead entries
// wait.
class TeacherStream {
 public:
  // Asked to stop it throws InterruptedError.
  using Producer =
      std::function<std::shared_ptr<const TeacherEntry>(int64_t index, int worker, const StopToken* stop)>;
  // Produces indices [first, end). The producer is called from worker threads, at most once at a time per
  // worker.
  TeacherStream(Producer producer, int64_t first, int64_t end, int num_workers, int look_ahead);
  ~TeacherStream();  // stops the workers, entries in the making too

  // The next entry; waits for it. Rethrows what a worker threw. Asked to stop: InterruptedError, and the next
  // call gets what this one would have.
  std::shared_ptr<const TeacherEntry> Take(const StopToken* stop = nullptr);
  // Produces indices below `end` from now on; what was begun already is finished.
  void SetEnd(int64_t end);
  // Whether Take would not wait.
  bool Ready();

 private:
  void Work(int worker);

  Producer producer_;
  int64_t next_to_start_, next_to_take_, end_;
  int look_ahead_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int64_t, std::shared_ptr<const TeacherEntry>> done_;
  std::exception_ptr error_;
  StopToken stop_;
  BackgroundThreads workers_;
};

}  // namespace semfield
