#pragma once

#include <span>

#include "semfield/base/job_control.h"
#include "semfield/surface/mesh.h"
#include "semfield/surface/surface_map.h"

namespace semfield {

struct FusionOptions {
  double voxel = 0;       // world units a side; 0: VoxelFor
  double truncation = 4;  // voxels before and behind the surface in which a depth counts
};

// Twice the width of the median pixel on the surface: about what depths can tell apart. 1 if nothing is seen.
double VoxelFor(std::span<const DepthView> views);

// One surface from the depths of many views: their truncated signed distances averaged on the voxels around
// them (Curless and Levoy 1996), and the zero level taken out as a net with one vertex in each voxel that it
// crosses (Gibson 1998). What no view has seen has no surface; where every depth is empty there is none
// either. Vertices in the world, fronts towards the cameras, no colors. The same with any number of threads.
Mesh FuseDepths(std::span<const DepthView> views, const FusionOptions& options, const JobControl& control);

}  // namespace semfield
