#include "semfield/ops/simd_target.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hwy/targets.h>

#include <atomic>
#include <cstdlib>

#include "semfield/base/error.h"

namespace semfield::ops {
namespace {

// Highway's dispatch tables hold these (HWY_DISABLED_TARGETS in this room's CMakeLists.txt leaves the others
// out); the plain fallback is always the last entry, whatever the mask says.
struct Target {
  const char* name;
  int64_t mask;
};
constexpr Target kTargets[] = {
#if HWY_ARCH_X86
    {"avx512", HWY_AVX3},
    {"avx2", HWY_AVX2},
#endif
    {"scalar", 0},
};
constexpr const char* kVariable = "SEMFIELD_ISA";

bool IsSupported(const Target& target) {
  return target.mask == 0 || (hwy::SupportedTargets() & target.mask) != 0;
}

const Target* FindSupported(const std::string& name) {
  for (const Target& target : kTargets) {
    if (name == target.name) return IsSupported(target) ? &target : nullptr;
  }
  return nullptr;
}

const Target* Best() {
  for (const Target& target : kTargets) {
    if (IsSupported(target)) return &target;
  }
  return nullptr;  // not reached: the last target has no condition
}

std::string EnvironmentName() {
  const char* value = std::getenv(kVariable);
  return value == nullptr ? "" : value;
}

// The forced target; null: the environment's or else the best.
std::atomic<const Target*> g_forced{nullptr};

const Target* Find(const std::string& name, const char* where) {
  if (name.empty()) return Best();
  const Target* target = FindSupported(name);
  if (target == nullptr) {
    throw InputError("{}: instruction set '{}' is unknown or this processor lacks it; choose one of: {}",
                     where, name, fmt::join(SupportedTargets(), ", "));
  }
  return target;
}

// Runs before main, so that no kernel can start with a target the user ruled out. This room's CMakeLists.txt
// makes every program link this file, even one that names nothing else in it.
bool ApplyEnvironment() {
  const std::string name = EnvironmentName();
  const Target* target = name.empty() ? Best() : FindSupported(name);
  if (target != nullptr) hwy::GetChosenTarget().Update(target->mask);
  return true;
}
const bool g_environment_applied = ApplyEnvironment();

}  // namespace

std::vector<std::string> SupportedTargets() {
  std::vector<std::string> names;
  for (const Target& target : kTargets) {
    if (IsSupported(target)) names.emplace_back(target.name);
  }
  return names;
}

std::string ActiveTarget() {
  const Target* forced = g_forced.load();
  return (forced != nullptr ? forced : Find(EnvironmentName(), kVariable))->name;
}

void ForceTarget(const std::string& name) {
  const Target* target = name.empty() ? Find(EnvironmentName(), kVariable) : Find(name, "ForceTarget");
  g_forced = name.empty() ? nullptr : target;
  hwy::GetChosenTarget().Update(target->mask);
}

}  // namespace semfield::ops

extern "C" bool semfield_ops_simd_target() {
  return semfield::ops::g_environment_applied;
}
