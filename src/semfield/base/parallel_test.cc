#include "semfield/base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

namespace semfield {
namespace {

class ParallelTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { SetNumThreads(GetParam()); }
  void TearDown() override { SetNumThreads(0); }
};

TEST_P(ParallelTest, EveryTaskRunsOnceWithAValidWorker) {
  ASSERT_EQ(NumThreads(), GetParam());
  for (const int64_t n : {0, 1, 2, 7, 1000}) {
    std::vector<std::atomic<int>> runs(static_cast<size_t>(n));
    ParallelFor(n, [&](int64_t task, int worker) {
      ASSERT_GE(worker, 0);
      ASSERT_LT(worker, NumThreads());
      runs[static_cast<size_t>(task)]++;
    });
    for (const auto& count : runs) EXPECT_EQ(count, 1);
  }
  ParallelFor(-5, [](int64_t, int) { FAIL(); });
}

TEST_P(ParallelTest, RunningTasksNeverShareAWorker) {
  std::vector<std::atomic<int>> inside(static_cast<size_t>(GetParam()));
  ParallelFor(500, [&](int64_t, int worker) {
    auto& mine = inside[static_cast<size_t>(worker)];
    EXPECT_EQ(mine.fetch_add(1), 0);
    std::this_thread::yield();
    mine.fetch_sub(1);
  });
}

TEST_P(ParallelTest, ManyShortLoops) {
  std::atomic<int64_t> sum{0};
  for (int loop = 0; loop < 2000; ++loop) ParallelFor(3, [&](int64_t task, int) { sum += task; });
  EXPECT_EQ(sum, 2000 * 3);
}

TEST_P(ParallelTest, ChunksCoverTheRangeInOrderedPieces) {
  for (const int64_t count : {0, 1, 10, 64, 1001}) {
    for (const int64_t chunk : {int64_t{1}, int64_t{7}, int64_t{64}, INT64_MAX}) {
      std::vector<std::atomic<int>> covered(static_cast<size_t>(count));
      ParallelChunks(count, chunk, [&](int64_t begin, int64_t end, int) {
        EXPECT_EQ(begin % chunk, 0);
        EXPECT_LT(begin, end);
        EXPECT_LE(end - begin, chunk);
        for (int64_t i = begin; i < end; ++i) covered[static_cast<size_t>(i)]++;
      });
      for (const auto& times : covered) EXPECT_EQ(times, 1);
    }
  }
}

TEST_P(ParallelTest, ExceptionStopsTheHandOutAndThePoolGoesOn) {
  for (int round = 0; round < 50; ++round) {
    std::atomic<int64_t> ran{0};
    EXPECT_THROW(ParallelFor(1'000'000,
                             [&](int64_t task, int) {
                               ran++;
                               if (task == 10) throw std::runtime_error("task 10");
                             }),
                 std::runtime_error);
    EXPECT_LT(ran, 1'000'000);
    std::atomic<int> after{0};
    ParallelFor(20, [&](int64_t, int) { after++; });
    EXPECT_EQ(after, 20);
  }
  EXPECT_THROW(ParallelFor(100, [](int64_t, int) { throw std::logic_error("every task"); }),
               std::logic_error);
}

TEST_P(ParallelTest, NestedLoopsRunOnTheirOwnThread) {
  std::atomic<int> inner{0};
  ParallelFor(8, [&](int64_t, int) {
    const std::thread::id mine = std::this_thread::get_id();
    ParallelFor(8, [&](int64_t, int worker) {
      EXPECT_EQ(worker, 0);
      EXPECT_EQ(std::this_thread::get_id(), mine);
      ParallelFor(2, [&](int64_t, int) { inner++; });
    });
  });
  EXPECT_EQ(inner, 128);
}

TEST_P(ParallelTest, NestedExceptionReachesTheOuterCaller) {
  EXPECT_THROW(
      ParallelFor(
          8, [](int64_t, int) { ParallelFor(8, [](int64_t, int) { throw std::runtime_error("inner"); }); }),
      std::runtime_error);
}

TEST_P(ParallelTest, TwoThreadsAtOnce) {
  std::atomic<int64_t> sum{0};
  const auto work = [&] {
    for (int loop = 0; loop < 300; ++loop) ParallelFor(20, [&](int64_t task, int) { sum += task; });
  };
  std::thread a(work), b(work), c(work);
  a.join();
  b.join();
  c.join();
  EXPECT_EQ(sum, 3 * 300 * 190);
}

TEST_P(ParallelTest, AShareOfOneKeepsTheThread) {
  const std::thread::id mine = std::this_thread::get_id();
  {
    const ThreadShare outer(1);
    { const ThreadShare inner(8); }
    ParallelFor(100, [&](int64_t, int worker) {
      EXPECT_EQ(worker, 0);
      EXPECT_EQ(std::this_thread::get_id(), mine);
    });
  }
  std::atomic<int> ran{0};
  ParallelFor(100, [&](int64_t, int) { ran++; });
  EXPECT_EQ(ran, 100);
}

TEST_P(ParallelTest, VisitorsAndOthersGetEveryTaskDone) {
  std::atomic<int64_t> sum{0};
  const auto work = [&](int share) {
    const ThreadShare visitor(share);
    for (int loop = 0; loop < 300; ++loop) ParallelFor(20, [&](int64_t task, int) { sum += task; });
  };
  std::thread a(work, 2), b(work, 3);
  for (int loop = 0; loop < 300; ++loop) ParallelFor(20, [&](int64_t task, int) { sum += task; });
  a.join();
  b.join();
  EXPECT_EQ(sum, 3 * 300 * 190);
}

TEST_P(ParallelTest, AVisitorsExceptionIsItsOwn) {
  std::thread visitor([] {
    const ThreadShare share(2);
    for (int loop = 0; loop < 100; ++loop) {
      EXPECT_THROW(ParallelFor(50, [](int64_t, int) { throw std::runtime_error("the visitor's"); }),
                   std::runtime_error);
    }
  });
  std::atomic<int> ran{0};
  for (int loop = 0; loop < 100; ++loop) ParallelFor(50, [&](int64_t, int) { ran++; });
  visitor.join();
  EXPECT_EQ(ran, 5000);
}

INSTANTIATE_TEST_SUITE_P(Threads, ParallelTest, testing::Values(1, 2, 3, 8));

// Lets tasks of a loop wait for each other: they can all be inside at once only on as many threads. Gives up
// after a time that only a thread which never comes takes.
class Meeting {
 public:
  explicit Meeting(int expected) : expected_(expected) {}
  // Whether all came.
  bool Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    ++came_;
    changed_.notify_all();
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return came_ >= expected_; });
  }

 private:
  const int expected_;
  int came_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
};

class VisitorTest : public testing::Test {
 protected:
  void TearDown() override { SetNumThreads(0); }

  // A visitor's loop of `share` threads that holds what it got until `meanwhile`, called once it is inside
  // its loop, has returned. Returns the most threads that were inside at once.
  static int WhileAVisitorIsInside(int share, const std::function<void()>& meanwhile) {
    std::promise<void> inside, done;
    const std::shared_future<void> released = done.get_future().share();
    std::atomic<int> now{0}, most{0};
    std::atomic<bool> told{false};
    std::thread visitor([&] {
      const ThreadShare lent(share);
      ParallelFor(64, [&](int64_t, int) {
        const int count = ++now;
        for (int before = most; before < count && !most.compare_exchange_weak(before, count);) {
        }
        if (!told.exchange(true)) inside.set_value();
        released.wait();
        --now;
      });
    });
    inside.get_future().wait();
    meanwhile();
    done.set_value();
    visitor.join();
    return most;
  }
};

TEST_F(VisitorTest, LeavesTheOnlyHelperToOthers) {
  SetNumThreads(2);
  const int most = WhileAVisitorIsInside(2, [] {
    Meeting both(2);
    ParallelFor(2, [&](int64_t, int) { EXPECT_TRUE(both.Wait()); });
  });
  EXPECT_EQ(most, 1);
}

TEST_F(VisitorTest, HasNoMoreThanItsShare) {
  SetNumThreads(5);
  const int most = WhileAVisitorIsInside(3, [] {
    Meeting rest(3);  // this thread and the two helpers that are not lent
    ParallelFor(3, [&](int64_t, int) { EXPECT_TRUE(rest.Wait()); });
  });
  EXPECT_LE(most, 3);
}

TEST_F(VisitorTest, SeveralTogetherLeaveOneHelper) {
  SetNumThreads(3);
  WhileAVisitorIsInside(3, [] {
    WhileAVisitorIsInside(3, [] {
      Meeting both(2);
      ParallelFor(2, [&](int64_t, int) { EXPECT_TRUE(both.Wait()); });
    });
  });
}

TEST_F(VisitorTest, GetsHelpersWhereThereAreSome) {
  SetNumThreads(4);
  const ThreadShare share(3);
  Meeting all(3);
  ParallelFor(3, [&](int64_t, int) { EXPECT_TRUE(all.Wait()); });
}

TEST_F(VisitorTest, ASecondLoopGetsAHelperToo) {
  SetNumThreads(3);
  Meeting first_is_inside(2);
  std::promise<void> done;
  const std::shared_future<void> released = done.get_future().share();
  std::thread other([&] {
    ParallelFor(1000, [&](int64_t task, int) {
      if (task == 0) first_is_inside.Wait();
      if (task == 0) released.wait();
    });
  });
  first_is_inside.Wait();
  Meeting both(2);
  ParallelFor(2, [&](int64_t, int) { EXPECT_TRUE(both.Wait()); });
  done.set_value();
  other.join();
}

TEST(BackgroundThreads, EachRunsOnceAndItsLoopsStayWithIt) {
  SetNumThreads(4);
  std::vector<int> runs(5, 0);
  {
    BackgroundThreads threads;
    threads.Start(5, BackgroundThreads::Priority::kBelowTraining, [&](int index) {
      const std::thread::id mine = std::this_thread::get_id();
      ParallelFor(20, [&](int64_t, int) { EXPECT_EQ(std::this_thread::get_id(), mine); });
      ++runs[index];
    });
  }
  EXPECT_EQ(runs, std::vector<int>(5, 1));
  SetNumThreads(0);
}

TEST(Parallel, ZeroMeansTheCoresOfThisProcess) {
  SetNumThreads(0);
  EXPECT_GE(NumThreads(), 1);
}

}  // namespace
}  // namespace semfield
