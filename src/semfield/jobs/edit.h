#pragma once

#include <optional>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"
#include "semfield/geometry/types.h"
#include "semfield/jobs/transfer.h"
#include "semfield/methods/method.h"
#include "semfield/run/run_capture.h"

namespace semfield {

struct EditJobOptions {
  std::string run;  // or "transfer": between two pictures, without any run
  RunSource source;
  std::string name;  // of the thing that is changed, or made
  // What is done, one of:
  bool remove = false;
  std::string recolor;    // red,green,blue
  std::string retexture;  // a picture
  std::string copy;       // of this thing
  std::string insert;     // a GLB, or a run with `selection`
  bool undo = false, redo = false, clear = false;
  // Where it is put; alone they move the thing.
  std::string move, at;     // x,y,z in the capture's units and axes: by so much, or its base to there
  std::string view, click;  // its base to the surface that the click hits
  double turn = 0;          // degrees, counter-clockwise as seen from above
  double scale = 1;
  // How.
  double tile = 0;        // of retexture
  std::string selection;  // of insert
  std::string up = "auto";
  TransferOptions transfer;
  std::string onnxruntime;  // of transfer
  void Describe(OptionList& list);
};

struct EditJobResult {
  struct Thing {
    std::string name;
    bool is_there = true;
    int faces = 0;
    Vec3 base = Vec3::Zero(), size = Vec3::Zero();  // in the capture's units and axes
  };
  std::string run, done;                   // done: what was done, or undone
  std::vector<std::string> edits;          // that count, in order
  size_t undone = 0;                       // how many could be done again
  std::vector<Thing> things;               // of the scene as it is now; empty where it was not looked at
  std::optional<TransferResult> transfer;  // then all else is empty
  double seconds = 0;
  std::vector<std::string> Text() const;
  Json ToJson() const;
};

// Changes the scene of a run by one step, which can be taken back; trained files stay as they are. Without
// anything to do: tells the edits. The run's mesh is made first where there is none.
EditJobResult RunEdit(const EditJobOptions& options, const MethodList& methods, const JobControl& control);

}  // namespace semfield
