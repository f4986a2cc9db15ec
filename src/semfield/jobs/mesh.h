#pragma once

#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"
#include "semfield/geometry/types.h"
#include "semfield/methods/method.h"
#include "semfield/run/run_capture.h"
#include "semfield/views/run_classes.h"

namespace semfield {

struct MeshJobOptions {
  std::string run;
  RunSource source;
  std::vector<std::string> out;  // files; empty: mesh/mesh.glb in the run
  int texture = 2048;            // pixels a side; 0: colors of vertices alone
  int faces = 150000;            // of each file, at most; 0: all
  std::string up = "auto";       // x, y, z, -x, -y, -z or auto
  bool edited = false;           // as the run's edits leave the scene, a node each thing
  double voxel = 0;              // of the capture's units; 0: by the pixels
  double truncation = 4;         // voxels
  double crumbs = 12;            // voxels
  bool labels = false;           // each vertex has a class and its color, each class is a mesh of its own
  ClassVoteOptions vote;         // by which
  void Describe(OptionList& list);
};

struct MeshJobResult {
  struct File {
    std::string path;
    int64_t bytes = 0;
  };
  std::string run;
  std::vector<File> files;
  int faces = 0, vertices = 0;             // of the files
  int fine_faces = 0;                      // of the mesh that is kept in the run
  double voxel = 0, area = 0;              // in the capture's units
  Vec3 size = Vec3::Zero();                // of its box, in the capture's units and axes
  double from_photos = 0, from_field = 0;  // shares of vertices
  int charts = 0, texture = 0;             // of the texture, and its side in pixels
  double texels_from_photos = 0;           // share
  std::vector<std::string> classes;        // with labels: all that the model knows
  std::vector<int> class_vertices;         // [classes] vertices of the files that are of each
  int unlabelled = 0;                      // vertices that no photo has in its picture
  bool kept = false;                       // the fine mesh was there already
  double seconds = 0;
  std::vector<std::string> Text() const;
  Json ToJson() const;
};

// The surface of a run as a mesh: fine in the run (mesh/surface.safetensors), where it stays for as long as
// the field and the options are the same, and simplified in the files that are asked for.
MeshJobResult RunMeshJob(const MeshJobOptions& options, const MethodList& methods, const JobControl& control);

}  // namespace semfield
