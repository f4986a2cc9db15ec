#pragma once

#include <cstdint>

#include "semfield/geometry/rays.h"
#include "semfield/geometry/scene_map.h"
#include "semfield/ops/occupancy_grid.h"

namespace semfield::ops {

// Samples along a ray at distances t (middle of an interval of length dt, world units): dt = max(step,
// cone_angle * t), intervals without gaps where the grid is occupied, none elsewhere.
struct MarchOptions {
  float near_distance = 0.05f;
  float far_distance = 1e3f;
  float step = 0.005f;     // world units
  float cone_angle = 0;    // 0: constant steps
  int max_samples = 1024;  // a ray
  // Stop where the optical depth of the grid's own densities passes this (the rest lies behind a surface);
  // <= 0: never.
  float stop_optical_depth = 0;
  // Go on so many cell widths after that: the grid knows a cell's density, not where in the cell the surface
  // lies.
  float stop_margin_cells = 0;
};

// Where a ray's samples go, options.max_samples numbers of room each.
struct MarchOutput {
  float* t = nullptr;   // distances of the intervals' middles
  float* dt = nullptr;  // their lengths
};

// The intervals of a ray are fixed by its start (near_distance or where it enters the cube), the options and
// jitter: the first middle lies jitter * dt behind the start, empty space leaves intervals out but never
// moves them. Writes at most options.max_samples samples and returns how many. jitter in [0, 1) shifts all of
// a ray's intervals by that share of a step (0.5 when rendering). A ray that misses the map's cube (bounded
// maps) or is not finite has none. step > 0, near_distance >= 0, cone_angle in [0, 1): SF_CHECK. Allocates
// nothing; safe to call from several threads.
int MarchRay(const SceneMap& map, const OccupancyGrid& grid, const MarchOptions& options, const Ray& ray,
             float jitter, const MarchOutput& samples);

}  // namespace semfield::ops
