#pragma once

#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/edits/edited_scene.h"
#include "semfield/run/opened_run.h"
#include "semfield/surface/mesh_files.h"

namespace semfield {

struct EditedNodesOptions {
  int faces = 0;    // of all together, at most, but for those of files; 0: all
  int texture = 0;  // pixels a side of the rest's picture, and half of it of each thing's; 0: none
};

// An edited scene as nodes of a mesh file, in the world: "scene" for what was left alone, and each thing that
// is there under its name, placed and painted.
std::vector<MeshNode> EditedNodes(const OpenedRun& run, const EditedScene& scene,
                                  const EditedNodesOptions& options, const JobControl& control);

}  // namespace semfield
