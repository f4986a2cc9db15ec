#include "semfield/methods/feature_field/teacher_stream.h"

#include <chrono>

#include "semfield/base/check.h"

namespace semfield {
namespace {

constexpr std::chrono::milliseconds kLookForStop(20);

}  // namespace

size_t TeacherEntry::bytes() const {
  const size_t samples = inputs.samples.x.size() * 4 + inputs.samples.distance.size() * 2 +
                         inputs.pixels.size() + inputs.extras.size();
  return samples * sizeof(float) + inputs.samples.ray_begin.size() * sizeof(int32_t) +
         target.size() * sizeof(Half);
}

TeacherStream::TeacherStream(Producer producer, int64_t first, int64_t end, int num_workers, int look_ahead)
    : producer_(std::move(producer)),
      next_to_start_(first),
      next_to_take_(first),
      end_(end),
      look_ahead_(look_ahead) {
  // Trainer first: a step is short and waits for nobody, while a view takes seconds.
  workers_.Start(num_workers, BackgroundThreads::Priority::kBelowTraining,
                 [this](int worker) { Work(worker); });
}

TeacherStream::~TeacherStream() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_.RequestStop();
  }
  changed_.notify_all();
  workers_.Join();
}

void TeacherStream::Work(int worker) {
  for (;;) {
    int64_t index;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [&] {
        return stop_.StopRequested() || error_ ||
               (next_to_start_ < end_ && next_to_start_ < next_to_take_ + look_ahead_);
      });
      if (stop_.StopRequested() || error_) return;
      index = next_to_start_++;
    }
    std::shared_ptr<const TeacherEntry> entry;
    std::exception_ptr error;
    try {
      entry = producer_(index, worker, &stop_);
    } catch (...) {
      error = std::current_exception();
    }
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (error) {
        if (!error_) error_ = error;
      } else {
        done_[index] = std::move(entry);
      }
    }
    changed_.notify_all();
  }
}

std::shared_ptr<const TeacherEntry> TeacherStream::Take(const StopToken* stop) {
  std::unique_lock<std::mutex> lock(mutex_);
  SF_CHECK_LT(next_to_take_, end_);
  const auto is_there = [&] { return error_ || done_.count(next_to_take_) > 0; };
  // Nobody signals when a stop is asked for (signal handlers cannot), so one looks.
  while (!changed_.wait_for(lock, kLookForStop, is_there)) {
    if (stop != nullptr) stop->ThrowIfStopped();
  }
  if (done_.count(next_to_take_) == 0) std::rethrow_exception(error_);
  std::shared_ptr<const TeacherEntry> entry = std::move(done_[next_to_take_]);
  done_.erase(next_to_take_);
  ++next_to_take_;
  lock.unlock();
  changed_.notify_all();
  return entry;
}

void TeacherStream::SetEnd(int64_t end) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    end_ = end;
  }
  changed_.notify_all();
}

bool TeacherStream::Ready() {
  std::lock_guard<std::mutex> lock(mutex_);
  return done_.count(next_to_take_) > 0;
}

}  // namespace semfield
