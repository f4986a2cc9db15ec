#pragma once

#include <vector>

#include "semfield/capture/capture.h"

namespace semfield {

// How the cameras of a capture stand to each other; what bounds and advice are decided from.
struct CameraLayout {
  Vec3 mean_center = Vec3::Zero();    // of camera centres
  Vec3 mean_forward = Vec3::UnitZ();  // unit; of optical axes
  double spread = 0;                  // median distance of camera centres to their mean
  double axis_angle = 0;              // root mean square angle of the optical axes to mean_forward, radians
  Vec3 look_at = Vec3::Zero();        // point nearest to all optical axes (least squares)
  bool inward = false;  // look_at is well determined, near the axes and in front of nearly all cameras
  double look_at_distance = 0;  // median distance of camera centres to look_at
  bool forward_facing = false;  // all axes nearly parallel (LLFF-like)
};

CameraLayout AnalyzeLayout(const std::vector<View>& views);

// Sets extent, bounds and bounds_rule of a capture whose file gives none:
//   depth maps    kBounded: box of the unprojected depth of up to 20 views and the cameras, 1 % padding
//   alpha         kBounded: cube [-1.5, 1.5]^3 of the NeRF synthetic scenes, or the cube that holds the
//   intersection of
//                 the frustums around the point the cameras look at, where that disagrees
//   otherwise     kUnbounded, see DecideUnboundedBounds
void DecideBounds(Capture* capture);

// The cube that contraction leaves unwarped: around what inward-looking cameras look at, reaching out to
// them; in front of forward-facing cameras (where their near and far depths say, if the views have
// them); otherwise around the cameras.
void DecideUnboundedBounds(Capture* capture);

}  // namespace semfield
