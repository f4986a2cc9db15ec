#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace semfield {

// Memory that this process may still take before the machine swaps or the kernel kills it.
struct MemoryLimit {
  uint64_t bytes = 0;
  std::string source;  // in words: "free on this machine", "left in its memory limit (cgroup)"
};

// The smallest of what the machine has free (MemAvailable), of the memory limits of the control groups this
// process is in (files that can be dropped count as free) and of its address space (ulimit -v). What cannot
// be read does not count; nothing known: the largest number. `root` is where /proc and /sys are looked for.
MemoryLimit AvailableMemory(const std::filesystem::path& root = "/");

// Most that this process ever had in memory (VmHWM), bytes; 0 if it cannot be read.
uint64_t PeakMemory();

// "311 MiB", "2.1 GiB".
std::string BytesText(double bytes);

}  // namespace semfield
