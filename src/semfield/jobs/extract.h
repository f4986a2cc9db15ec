#pragma once

#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"
#include "semfield/geometry/types.h"
#include "semfield/methods/method.h"
#include "semfield/run/run_capture.h"

namespace semfield {

struct ExtractJobOptions {
  std::string run;
  RunSource source;
  std::vector<std::string> selection;  // names
  bool all = false;                    // every selection of the run
  bool rest = false;                   // and what belongs to none, as a node of its own
  bool edited = false;                 // as the run's edits leave them; also things that edits made
  std::vector<std::string> out;        // mesh files; empty: exports/<name>.glb in the run
  int faces = 100000;                  // of each thing, at most; 0: all
  int texture = 1024;                  // pixels a side of each thing's; 0: colors of vertices alone
  bool close = false;
  bool at_origin = false;  // pivots at the origin instead of where the things stand
  std::string up = "auto";
  std::string points;         // PLY of labelled points
  std::string masks;          // folder of masks
  std::string views = "all";  // of these views
  void Describe(OptionList& list);
};

struct ExtractJobResult {
  struct Thing {
    std::string name;
    int faces = 0, vertices = 0;
    Vec3 size = Vec3::Zero();   // of its box, in the capture's units and axes
    Vec3 pivot = Vec3::Zero();  // the middle of its base, likewise
    double area = 0;            // square units
  };
  std::string run;
  std::vector<Thing> things;
  std::vector<std::string> files;  // meshes, points, coco.json
  int masks = 0;                   // pictures written
  double seconds = 0;
  std::vector<std::string> Text() const;
  Json ToJson() const;
};

// Things of a run as meshes of their own, with points and masks for other programs. The run's mesh is made
// first where there is none.
ExtractJobResult RunExtract(const ExtractJobOptions& options, const MethodList& methods,
                            const JobControl& control);

}  // namespace semfield
