#pragma once

#include <span>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/run/opened_run.h"
#include "semfield/surface/mesh_files.h"
#include "semfield/surface/run_mesh.h"
#include "semfield/surface/surface_map.h"

namespace semfield {

// A selection as a mesh of its own, against the instance of the true mesh that it fits best.
struct ThingSurface {
  std::string selection;
  int instance = -1;                        // -1: none is near
  std::string label;                        // of the instance
  double precision = 0, recall = 0, f = 0;  // at 5 cm, as ScoreSurface
};

// All selections of a run that have faces. truth: in the world, with instances; views: its exact depths.
// Selections of another surface than the run's are left out with a warning.
std::vector<ThingSurface> ScoreThings(const OpenedRun& run, const RunMesh& fine, const LabelledMesh& truth,
                                      std::span<const DepthView> views, double centimeter,
                                      const JobControl& control);

}  // namespace semfield
