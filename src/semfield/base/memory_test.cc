#include "semfield/base/memory.h"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "semfield/base/test_folder.h"

namespace semfield {
namespace {

constexpr uint64_t kMiB = 1 << 20;

class Memory : public testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
  }
  void Machine(uint64_t mib) {
    Write("proc/meminfo",
          "MemTotal:       99999999 kB\nMemAvailable:   " + std::to_string(mib * 1024) + " kB\n");
  }
  MemoryLimit Available() { return AvailableMemory(folder_.path()); }
  TestFolder folder_;
};

TEST_F(Memory, NothingKnownIsNoLimit) {
  EXPECT_EQ(Available().bytes, std::numeric_limits<uint64_t>::max());
  Write("proc/meminfo", "MemAvailable: much\n");
  Write("proc/self/cgroup", "0:\nnonsense\n::\n0::/../../..\n");
  EXPECT_EQ(Available().bytes, std::numeric_limits<uint64_t>::max());
}

TEST_F(Memory, TheSmallestGroupOnTheWayUpDecides) {
  Machine(4000);
  EXPECT_EQ(Available().bytes, 4000 * kMiB);
  EXPECT_EQ(Available().source, "free on this machine");
  Write("proc/self/cgroup", "0::/user/job\n");
  Write("sys/fs/cgroup/user/job/memory.max", "max\n");
  Write("sys/fs/cgroup/user/job/memory.current", "1000\n");
  EXPECT_EQ(Available().bytes, 4000 * kMiB);
  Write("sys/fs/cgroup/user/memory.max", std::to_string(3000 * kMiB));
  Write("sys/fs/cgroup/user/memory.current", std::to_string(1500 * kMiB));
  Write("sys/fs/cgroup/user/memory.stat", "anon 7\ninactive_file " + std::to_string(500 * kMiB) + "\n");
  EXPECT_EQ(Available().bytes, 2000 * kMiB);
  EXPECT_NE(Available().source.find("control group"), std::string::npos);
  Write("sys/fs/cgroup/user/memory.current", std::to_string(3600 * kMiB));
  EXPECT_EQ(Available().bytes, 0u);
}

TEST_F(Memory, ContainersAndVersionOneAreUnderstood) {
  Machine(4000);
  Write("proc/self/cgroup", "0::/somewhere/outside\n");
  Write("sys/fs/cgroup/memory.max", std::to_string(700 * kMiB));
  Write("sys/fs/cgroup/memory.current", std::to_string(100 * kMiB));
  EXPECT_EQ(Available().bytes, 600 * kMiB);
  Write("proc/self/cgroup", "3:cpu:/\n4:memory:/docker/x\n");
  Write("sys/fs/cgroup/memory/memory.limit_in_bytes", std::to_string(500 * kMiB));
  Write("sys/fs/cgroup/memory/memory.usage_in_bytes", std::to_string(200 * kMiB));
  EXPECT_EQ(Available().bytes, 300 * kMiB);
}

TEST(MemoryHere, IsKnown) {
  EXPECT_GT(AvailableMemory().bytes, kMiB);
  EXPECT_LT(AvailableMemory().bytes, std::numeric_limits<uint64_t>::max());
  EXPECT_GT(PeakMemory(), kMiB);
}

TEST(MemoryHere, TextsAreShort) {
  EXPECT_EQ(BytesText(0.4 * kMiB), "0 MiB");
  EXPECT_EQ(BytesText(311.0 * kMiB), "311 MiB");
  EXPECT_EQ(BytesText(2150.0 * kMiB), "2.1 GiB");
}

}  // namespace
}  // namespace semfield
