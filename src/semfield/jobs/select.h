#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"
#include "semfield/geometry/types.h"
#include "semfield/jobs/words_result.h"
#include "semfield/methods/method.h"
#include "semfield/objects/selection.h"
#include "semfield/run/run_capture.h"

namespace semfield {

struct SelectJobOptions {
  std::string run;
  RunSource source;
  // A thing from clicks.
  std::string name;
  std::string view;
  std::vector<std::string> click;    // x,y or x,y,- in pixels of the view's original image
  std::vector<std::string> box;      // x0,y0,x1,y1
  std::string paint, erase;          // masks of the view, files: what is the thing's, and what is not
  bool more = false;                 // the clicks or the paint belong to a selection that is there
  std::string granularity = "auto";  // part, object or group; auto: as it was asked for before, else object
  bool refine = true;                // the teacher on the photos has the last word
  std::string color;                 // red,green,blue; empty: the next of a list
  bool everything = false;           // all things, without a click
  int everything_views = 20;
  // Words.
  bool names = false;                // things are named
  std::string text, class_name;      // what to find
  std::vector<std::string> what_is;  // x,y of the view
  // What is done to the selection `name`.
  std::vector<std::string> unite, intersect, subtract;  // with these selections
  int grow = 0;                                         // layers of cells, negative: shrink
  bool largest_part = false;
  bool remove = false, undo = false, redo = false;
  // What is shown.
  std::string views;
  std::string out;
  std::string teacher = "sam";
  std::string words_model = "rooms-fast", text_model = "minilm";
  std::string onnxruntime;
  void Describe(OptionList& list);
};

struct SelectJobResult {
  struct Thing {
    std::string name;
    std::array<uint8_t, 3> color = {};
    std::string answered_by;  // as Selection
    std::string granularity;  // as it was asked for
    int cells = 0;
    Vec3 center = Vec3::Zero(), size = Vec3::Zero();  // of its box, in the capture's own units and axes
    int clicks = 0;
    std::string text;                         // as Selection
    std::vector<ThingName> names;             // the best ones; empty: it was not named
    std::vector<std::string> named_by_views;  // which said so
  };
  struct View {
    std::string thing, name;
    std::string mask, overlay;  // files
    int64_t area = 0;           // pixels
    bool hidden = false;        // nothing of it is seen
  };
  // How a click was answered, first by imitated features and then by the teacher on the photos.
  struct Stage {
    std::string answered_by;
    double seconds = 0;  // from the job's beginning
    double agreement = 0;
    int decoder_calls = 0;
    int cells = 0;
    std::string granularity;  // of what was found: object where there is no nested answer
    std::map<std::string, double> milliseconds;
  };
  std::string run, done;      // done: what was done, or undone
  std::vector<Thing> things;  // all selections of the run, by name
  std::vector<Stage> stages;
  std::optional<WordsResult> words;
  std::vector<ThingName> what_is;  // the best names of what was pointed at
  std::vector<View> views;
  std::vector<std::string> sheets;  // pictures of the overlays
  std::vector<std::string> Text() const;
  Json ToJson() const;
  // 1: clicks or words found nothing.
  int exit_code() const {
    const bool no_cells = !stages.empty() && stages.back().cells == 0;
    return no_cells || (words && words->things.empty()) ? 1 : 0;
  }
};

// Things of a run, in 3D: one click makes a selection, further clicks mend it; sets, growing, undo and redo.
// Without anything to do it lists what there is. Selections are kept in the run.
SelectJobResult RunSelect(const SelectJobOptions& options, const MethodList& methods,
                          const JobControl& control);

}  // namespace semfield
