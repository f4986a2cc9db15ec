#pragma once

#include <optional>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/run/opened_run.h"
#include "semfield/surface/mesh.h"
#include "semfield/surface/mesh_colors.h"

namespace semfield {

// The training photos of a run with what each sees of the surface.
class RunPhotos {
 public:
  // Renders the depths that are not kept. The run must outlive it.
  RunPhotos(const OpenedRun& run, const JobControl& control);
  RunPhotos(const RunPhotos&) = delete;
  RunPhotos& operator=(const RunPhotos&) = delete;
  const std::vector<DepthView>& depths() const { return depths_; }
  const std::vector<ColorView>& views() const { return views_; }

 private:
  const std::vector<DepthView> depths_;
  std::vector<ColorView> views_;
};

// How a run's mesh is made.
struct RunMeshOptions {
  double voxel = 0;       // of the capture's units; 0: by the pixels (VoxelFor)
  double truncation = 4;  // voxels
  double crumbs = 12;     // voxels: connected parts with a smaller diagonal are left out
};

// The surface of a run as one fine mesh, in the world.
struct RunMesh {
  Mesh mesh;         // colored
  double voxel = 0;  // world units
  ColoringResult coloring;
};

// Fuses the depths of the training views (rendered first where they are not kept) and colors the vertices by
// the photos. Nothing to fuse: InputError.
RunMesh MakeRunMesh(const OpenedRun& run, const RunMeshOptions& options, const JobControl& control);

// Kept in the run, in mesh/surface.safetensors. Nothing there, of another field or of other options (if
// given): nothing, and what is damaged is said.
void SaveRunMesh(const OpenedRun& run, const RunMeshOptions& options, const RunMesh& mesh);
std::optional<RunMesh> LoadRunMesh(const OpenedRun& run, const RunMeshOptions* options);
// The kept mesh, of whatever options unless they are given; otherwise it is made and kept, for which
// the caller holds the run's lock. *kept: which it was.
RunMesh FindOrMakeRunMesh(const OpenedRun& run, const RunMeshOptions* options, const JobControl& control,
                          bool* kept);
// The kept mesh; none: InputError that says how to make it.
RunMesh OpenRunMesh(const OpenedRun& run);

}  // namespace semfield
