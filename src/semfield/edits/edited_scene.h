#pragma once

#include <optional>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/edits/edit_list.h"
#include "semfield/edits/paint.h"
#include "semfield/run/opened_run.h"
#include "semfield/surface/mesh.h"
#include "semfield/surface/mesh_files.h"
#include "semfield/surface/run_mesh.h"

namespace semfield {

// Whose faces of the run's mesh are. One for each selection that edits name.
struct FaceOwners {
  std::vector<std::string> selections;  // by name
  std::vector<int> owner;               // [faces] into `selections`, -1: of none
};

// A thing of an edited scene.
struct EditedPart {
  std::string name;
  int owner = -1;                 // into FaceOwners::selections; -1: it is of a file
  std::vector<MeshNode> nodes;    // what it is where it was found, in the world; of a selection one, colored
  Mat4 place = Mat4::Identity();  // moves it from there: a similarity of the world
  bool is_there = true;           // false: it was removed
  bool stands_as_found = true;    // it is a selection where it was found, whatever its color
  std::optional<ThingPaint> paint;
};

// The scene of a run as its edits leave it.
struct EditedScene {
  RunMesh surface;  // of the run, as it was
  FaceOwners faces;
  std::vector<char> taken;  // [selections] what was there was removed or moved away
  std::vector<EditedPart> parts;
};

// Everything that `edits` name, of a run whose mesh is `surface`. Edits of another state of the field, of a
// selection that is gone or has no face of the mesh, of a file that is gone: InputError naming the thing.
EditedScene OpenEditedScene(const OpenedRun& run, RunMesh surface, const std::vector<Edit>& edits,
                            const JobControl& control);
// The same of the edits that count now.
EditedScene OpenEditedScene(const OpenedRun& run, RunMesh surface, const JobControl& control);

// Where the edits of a run are, and the files that they need.
std::filesystem::path EditListPath(const OpenedRun& run);
std::filesystem::path EditFiles(const OpenedRun& run);

// A part where it now stands: placed and painted, in the world.
std::vector<MeshNode> PlacedNodes(const EditedPart& part);
// What is not the run's surface any more: the faces of selections that were removed, moved or are parts of
// their own. keep_standing: painted things that stand where they were found stay with the rest, unpainted.
Mesh RestOf(const EditedScene& scene, bool keep_standing);

// The base of a part as it stands now, in the capture's units and axes.
Vec3 BaseInCapture(const OpenedRun& run, const EditedPart& part, const Vec3& up);
// How an edit places a thing whose base is there, in the capture's units and axes.
Mat4 PlacementOf(const Edit& edit, const Vec3& base);

}  // namespace semfield
