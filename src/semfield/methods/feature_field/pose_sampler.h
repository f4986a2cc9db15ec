#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "semfield/capture/capture.h"
#include "semfield/methods/feature_field/feature_options.h"

namespace semfield {

// Camera augmentation (SAN section 4.3): poses between training poses.
class PoseSampler {
 public:
  PoseSampler(const Capture& capture, const FeatureOptions& options);
  // The index-th view of the stream: a frame camera and where it stands. Depends on (seed, index) alone.
  std::pair<Camera, Pose> Sample(int64_t index) const;

 private:
  const Capture& capture_;
  FeatureOptions options_;
  std::vector<std::vector<int>> partners_;  // [train view] -> views to interpolate with
};

}  // namespace semfield
