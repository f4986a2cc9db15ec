#include "semfield/ops/thread_scratch.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <thread>

namespace semfield::ops {
namespace {

struct One {};
struct Other {};

TEST(ThreadScratch, StaysWhereItIsWhileItIsLargeEnough) {
  float* block = ThreadScratch<One, float>(1000);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % 64, 0u);
  block[999] = 5;
  EXPECT_EQ((ThreadScratch<One, float>(10)), block);
  EXPECT_EQ((ThreadScratch<One, float>(1000)), block);
  EXPECT_EQ(block[999], 5);
}

TEST(ThreadScratch, PurposesAndThreadsShareNothing) {
  float* block = ThreadScratch<One, float>(100);
  EXPECT_NE((ThreadScratch<Other, float>(100)), block);
  float* of_thread = block;
  std::thread([&] { of_thread = ThreadScratch<One, float>(100); }).join();
  EXPECT_NE(of_thread, block);
}

}  // namespace
}  // namespace semfield::ops
