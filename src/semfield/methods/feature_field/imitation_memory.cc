#include "semfield/methods/feature_field/imitation_memory.h"

#include <algorithm>

#include "semfield/methods/feature_field/token_inputs.h"

namespace semfield {
namespace {

constexpr double kMiB = 1 << 20;
constexpr double kProgram = 512 * kMiB;
constexpr double kWorker = 256 * kMiB;  // an encoder's intermediate results and a view in the making
constexpr double kSamplesPerRay = 15;
constexpr double kShare = 0.8;  // of the memory available, which another time may be less

}  // namespace

ImitationMemory EstimateImitationMemory(const FeatureOptions& options, const FeatureSpace& teacher,
                                        int num_workers) {
  const double rays = options.token_rays * options.token_rays;
  const double token = teacher.channels * sizeof(Half) + kSamplesPerRay * rays * 4 * sizeof(float) +
                       (NumPixelRows(options) + NumExtraRows(options)) * sizeof(float);
  const FeatureParameterCounts counts = CountFeatureParameters(options, teacher);
  const size_t student = Parameter::TrainingBytes(counts.grid, Parameter::HalfCopy::kYes) +
                         Parameter::TrainingBytes(counts.head, Parameter::HalfCopy::kNo) +
                         Parameter::CheckpointBytes(counts.grid + counts.head);
  return {.view = static_cast<double>(teacher.grid) * teacher.grid * token,
          .rest = kProgram + num_workers * kWorker + static_cast<double>(student)};
}

int LargestCache(const ImitationMemory& memory, double available) {
  const double views = (kShare * available - memory.rest) / memory.view;
  return static_cast<int>(std::clamp(views, 0.0, 1e9));
}

}  // namespace semfield
