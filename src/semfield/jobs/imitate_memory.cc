#include "semfield/jobs/imitate_memory.h"

#include <fmt/format.h>

#include <algorithm>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/methods/feature_field/token_inputs.h"

namespace semfield {
namespace {

constexpr double kMiB = 1 << 20;
constexpr double kProgram = 512 * kMiB;
constexpr double kWorker = 256 * kMiB;  // an encoder's intermediate results and a view in the making
constexpr double kSamplesPerRay = 15;
constexpr double kShare = 0.8;  // of the memory available, which another time may be less

}  // namespace

ImitateMemory EstimateImitateMemory(const FeatureOptions& options, const FeatureSpace& teacher,
                                    int num_workers) {
  const double rays = options.token_rays * options.token_rays;
  const double token = teacher.channels * sizeof(Half) + kSamplesPerRay * rays * 4 * sizeof(float) +
                       (NumPixelRows(options) + NumExtraRows(options)) * sizeof(float);
  return {.view = static_cast<double>(teacher.grid) * teacher.grid * token,
          .rest = kProgram + num_workers * kWorker};
}

int LargestCache(const ImitateMemory& memory, const MemoryLimit& available) {
  const double views = (kShare * static_cast<double>(available.bytes) - memory.rest) / memory.view;
  return static_cast<int>(std::clamp(views, 0.0, 1e9));
}

void CheckImitateMemory(const ImitateMemory& memory, const FeatureOptions& options, int64_t num_views,
                        bool fixed, const MemoryLimit& available) {
  const int64_t kept = std::min<int64_t>(options.cache_size, num_views);
  const double total = static_cast<double>(kept) * memory.view + memory.rest;
  const std::string need =
      fmt::format("about {} for {} views of the teacher, {} each, and {} besides", BytesText(total), kept,
                  BytesText(memory.view), BytesText(memory.rest));
  const std::string left =
      fmt::format("{} are {}", BytesText(static_cast<double>(available.bytes)), available.source);
  if (total <= static_cast<double>(available.bytes)) {
    LogInfo("memory: {}; {}", need, left);
    return;
  }
  const int largest = LargestCache(memory, available);
  const char* restart = fixed ? "--restart " : "";
  throw ResourceError("too little memory: {}; {}. {}", need, left,
                      largest < 1 ? "Free some memory"
                                  : fmt::format("With {}--cache-size {} it would fit", restart, largest));
}

}  // namespace semfield
