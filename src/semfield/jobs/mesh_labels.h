#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/run/opened_run.h"
#include "semfield/surface/mesh_files.h"
#include "semfield/views/run_classes.h"

namespace semfield {

// The class of every vertex of a mesh of a run.
struct MeshLabels {
  std::vector<std::string> classes;
  std::vector<int32_t> labels;  // [vertices] number of the class, from 1; 0: no photo has it in its picture
};

// By the vote of all training photos that see a vertex; the mesh, in the world, is colored by class.
MeshLabels LabelMesh(const OpenedRun& run, const ClassVoteOptions& options, const JobControl& control,
                     Mesh* mesh);

// A mesh a class that occurs, named by it, of the faces of which most corners are of it (of three classes:
// that of the first corner); "none" for the rest.
std::vector<MeshNode> SplitByClass(const Mesh& mesh, const MeshLabels& labels);

// PLY: one mesh with a label a vertex; other kinds of file: a mesh a class. As WriteMeshFile.
void WriteLabelledMesh(const std::filesystem::path& path, const Mesh& mesh, const MeshLabels& labels,
                       const Mat3& y_up);

}  // namespace semfield
