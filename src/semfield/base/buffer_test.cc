#include "semfield/base/buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "semfield/base/error.h"

// The sanitizers' allocators end the process where malloc says no; here the answer itself is tested.
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1";
}
extern "C" const char* __tsan_default_options() {
  return "allocator_may_return_null=1";
}

namespace semfield {
namespace {

TEST(Buffer, AlignedAndZeroAtEverySize) {
  for (const size_t size : {1u, 3u, 17u, 1000u, 262'144u, 262'145u, 3'000'000u}) {
    Buffer<float> buffer(size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % 64, 0u);
    EXPECT_EQ(buffer.size(), size);
    EXPECT_TRUE(std::all_of(buffer.begin(), buffer.end(), [](float v) { return v == 0; }));
    buffer[size - 1] = 1;
  }
}

TEST(Buffer, LargeBlocksStartOnAHugePage) {
  Buffer<float> buffer(1 << 20);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % (size_t{2} << 20), 0u);
}

TEST(Buffer, ShrinkingKeepsTheBlockAndZeroes) {
  Buffer<int> buffer(100);
  buffer.Fill(7);
  const int* before = buffer.data();
  buffer.ResizeUninitialized(50);
  EXPECT_EQ(buffer.data(), before);
  EXPECT_EQ(buffer[49], 7);
  buffer.Resize(100);
  EXPECT_EQ(buffer.data(), before);
  EXPECT_TRUE(std::all_of(buffer.begin(), buffer.end(), [](int v) { return v == 0; }));
}

TEST(Buffer, MovesOwnership) {
  Buffer<int> a(10);
  a.Fill(3);
  Buffer<int> b(std::move(a));
  EXPECT_EQ(b.size(), 10u);
  Buffer<int> c;
  c = std::move(b);
  EXPECT_EQ(c.span()[9], 3);
  EXPECT_TRUE(Buffer<int>().empty());
  EXPECT_TRUE(Buffer<int>(0).empty());
}

TEST(Buffer, ImpossibleSizesAreResourceErrors) {
  Buffer<double> buffer(8);
  for (const size_t size : {SIZE_MAX, SIZE_MAX / 8 + 2, SIZE_MAX / 16, size_t{1} << 58}) {
    try {
      buffer.ResizeUninitialized(size);
      FAIL() << size;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kResource);
      EXPECT_NE(std::string(error.what()).find("MiB"), std::string::npos);
    }
    EXPECT_TRUE(buffer.empty());
  }
  buffer.Resize(8);
  EXPECT_EQ(buffer[7], 0);
}

}  // namespace
}  // namespace semfield
