#include "semfield/base/memory.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

namespace semfield {
namespace {

namespace fs = std::filesystem;

// A file that holds one number. "max" and what cannot be read are nothing.
std::optional<uint64_t> NumberIn(const fs::path& path) {
  std::ifstream file(path);
  uint64_t number = 0;
  if (!(file >> number)) return std::nullopt;
  return number;
}

// The number after `key` in a file of lines "key number ...".
std::optional<uint64_t> NumberAfter(const fs::path& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word;
    uint64_t number = 0;
    if (words >> word && word == key && words >> number) return number;
  }
  return std::nullopt;
}

// What is left under one control group's limit; its page cache is given back when memory is short.
std::optional<uint64_t> LeftInGroup(const fs::path& group, const char* limit_name, const char* usage_name,
                                    const char* file_key) {
  const auto limit = NumberIn(group / limit_name), usage = NumberIn(group / usage_name);
  if (!limit || !usage) return std::nullopt;
  const uint64_t droppable = NumberAfter(group / "memory.stat", file_key).value_or(0);
  const uint64_t used = *usage > droppable ? *usage - droppable : 0;
  return *limit > used ? *limit - used : 0;
}

void TakeSmaller(std::optional<uint64_t> bytes, const char* source, MemoryLimit* limit) {
  if (bytes && *bytes < limit->bytes) *limit = {.bytes = *bytes, .source = source};
}

// Every group from this process's own up to the root may have a limit. Inside a container its own group is
// often mounted as the root, so that the path need not exist.
void TakeGroups(const fs::path& root, MemoryLimit* limit) {
  constexpr const char* kSource = "left of the memory limit of its control group";
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    fs::path group = fs::path(line.substr(second + 1)).relative_path();
    const bool unified = controllers.empty();
    if (!unified && controllers.find("memory") == std::string::npos) continue;
    const fs::path mount = root / (unified ? "sys/fs/cgroup" : "sys/fs/cgroup/memory");
    for (;;) {
      TakeSmaller(unified ? LeftInGroup(mount / group, "memory.max", "memory.current", "inactive_file")
                          : LeftInGroup(mount / group, "memory.limit_in_bytes", "memory.usage_in_bytes",
                                        "total_inactive_file"),
                  kSource, limit);
      if (group.empty()) break;
      group = group.parent_path();
    }
  }
}

std::optional<uint64_t> LeftOfAddressSpace(const fs::path& root) {
  rlimit space{};
  if (getrlimit(RLIMIT_AS, &space) != 0 || space.rlim_cur == RLIM_INFINITY) return std::nullopt;
  const uint64_t used = NumberAfter(root / "proc/self/status", "VmSize:").value_or(0) * 1024;
  return space.rlim_cur > used ? space.rlim_cur - used : 0;
}

}  // namespace

MemoryLimit AvailableMemory(const fs::path& root) {
  MemoryLimit limit{.bytes = std::numeric_limits<uint64_t>::max(), .source = "known"};
  if (auto kib = NumberAfter(root / "proc/meminfo", "MemAvailable:")) {
    TakeSmaller(*kib * 1024, "free on this machine", &limit);
  }
  TakeGroups(root, &limit);
  TakeSmaller(LeftOfAddressSpace(root), "left of its address space (ulimit -v)", &limit);
  return limit;
}

uint64_t PeakMemory() {
  return NumberAfter("/proc/self/status", "VmHWM:").value_or(0) * 1024;
}

std::string BytesText(double bytes) {
  constexpr double kMiB = 1 << 20;
  if (bytes < 1024 * kMiB) return fmt::format("{:.0f} MiB", bytes / kMiB);
  return fmt::format("{:.1f} GiB", bytes / (1024 * kMiB));
}

}  // namespace semfield
