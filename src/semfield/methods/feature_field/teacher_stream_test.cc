#include "semfield/methods/feature_field/teacher_stream.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <stdexcept>

namespace semfield {
namespace {

std::shared_ptr<const TeacherEntry> Entry(int64_t index) {
  auto entry = std::make_shared<TeacherEntry>();
  entry->index = index;
  return entry;
}

TEST(TeacherStream, HandsOutInOrderHoweverFastTheWorkersAre) {
  TeacherStream stream(
      [](int64_t index, int, const StopToken*) {
        // Later entries of each group of four are ready first.
        std::this_thread::sleep_for(std::chrono::milliseconds(2 * (3 - index % 4)));
        return Entry(index);
      },
      10, 50, /*num_workers=*/4, /*look_ahead=*/8);
  for (int64_t index = 10; index < 50; ++index) EXPECT_EQ(stream.Take()->index, index);
  EXPECT_FALSE(stream.Ready());
}

TEST(TeacherStream, MakesEveryEntryOnceAndOnlyOneAtATimePerWorker) {
  std::mutex mutex;
  std::multiset<int64_t> made;
  std::atomic<int> busy[3] = {};
  {
    TeacherStream stream(
        [&](int64_t index, int worker, const StopToken*) {
          EXPECT_EQ(busy[worker]++, 0);
          {
            std::lock_guard<std::mutex> lock(mutex);
            made.insert(index);
          }
          std::this_thread::yield();
          --busy[worker];
          return Entry(index);
        },
        0, 60, 3, 5);
    for (int i = 0; i < 60; ++i) stream.Take();
  }
  EXPECT_EQ(made.size(), 60u);
  EXPECT_EQ(std::set<int64_t>(made.begin(), made.end()).size(), 60u);
}

TEST(TeacherStream, NeverRunsFurtherAheadThanAllowed) {
  constexpr int kLookAhead = 3;
  std::atomic<int64_t> started{0}, taken{0};
  std::atomic<bool> too_far{false};
  TeacherStream stream(
      [&](int64_t index, int, const StopToken*) {
        if (index >= taken + kLookAhead) too_far = true;
        ++started;
        return Entry(index);
      },
      0, 40, 2, kLookAhead);
  // Idle: the workers stop by themselves.
  while (started < kLookAhead) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_EQ(started, kLookAhead);
  for (int i = 0; i < 40; ++i) {
    ++taken;  // counted before, since a worker may start the moment Take returns
    stream.Take();
  }
  EXPECT_FALSE(too_far);
  EXPECT_EQ(started, 40);
}

TEST(TeacherStream, MakesMoreWhereItsEndIsMoved) {
  std::atomic<int> made{0};
  TeacherStream stream(
      [&](int64_t index, int, const StopToken*) {
        ++made;
        auto entry = std::make_shared<TeacherEntry>();
        entry->index = index;
        return entry;
      },
      0, 3, 2, 8);
  for (int index = 0; index < 3; ++index) EXPECT_EQ(stream.Take()->index, index);
  EXPECT_EQ(made, 3);
  stream.SetEnd(6);
  for (int index = 3; index < 6; ++index) EXPECT_EQ(stream.Take()->index, index);
  EXPECT_EQ(made, 6);
}

TEST(TeacherStream, RethrowsWhatAWorkerThrew) {
  TeacherStream stream(
      [](int64_t index, int, const StopToken*) {
        if (index == 3) throw std::runtime_error("teacher fell ill");
        return Entry(index);
      },
      0, 100, 1, 8);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(stream.Take()->index, i);
  for (int i = 0; i < 2; ++i) {
    try {
      stream.Take();
      ADD_FAILURE() << "no exception";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "teacher fell ill");
    }
  }
}

TEST(TeacherStream, StopsWhileEntriesAreInTheMaking) {
  std::atomic<int> finished{0}, started{0};
  {
    TeacherStream stream(
        [&](int64_t index, int, const StopToken*) {
          ++started;
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
          ++finished;
          return Entry(index);
        },
        0, 1000, 2, 100);
    while (started == 0) std::this_thread::yield();
  }
  EXPECT_EQ(finished, started) << "an entry in the making was abandoned";
  EXPECT_LT(started, 1000);
}

TEST(TeacherStream, StopsWhileNobodyTakes) {
  TeacherStream full([](int64_t index, int, const StopToken*) { return Entry(index); }, 0, 1000, 3, 2);
  while (!full.Ready()) std::this_thread::yield();
  TeacherStream empty([](int64_t index, int, const StopToken*) { return Entry(index); }, 5, 5, 2, 4);
  EXPECT_FALSE(empty.Ready());
}

}  // namespace
}  // namespace semfield
