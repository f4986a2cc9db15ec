#include "semfield/base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
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

TEST_P(ParallelTest, ScopedSerialKeepsTheThread) {
  const std::thread::id mine = std::this_thread::get_id();
  {
    const ScopedSerial outer;
    { const ScopedSerial inner; }
    ParallelFor(100, [&](int64_t, int worker) {
      EXPECT_EQ(worker, 0);
      EXPECT_EQ(std::this_thread::get_id(), mine);
    });
  }
  std::atomic<int> ran{0};
  ParallelFor(100, [&](int64_t, int) { ran++; });
  EXPECT_EQ(ran, 100);
}

INSTANTIATE_TEST_SUITE_P(Threads, ParallelTest, testing::Values(1, 2, 3, 8));

TEST(Parallel, ZeroMeansTheCoresOfThisProcess) {
  SetNumThreads(0);
  EXPECT_GE(NumThreads(), 1);
}

}  // namespace
}  // namespace semfield
