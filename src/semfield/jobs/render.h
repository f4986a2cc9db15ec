#pragma once

#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"
#include "semfield/methods/method.h"
#include "semfield/run/run_capture.h"
#include "semfield/surface/shown_field.h"
#include "semfield/views/run_classes.h"

namespace semfield {

struct RenderJobOptions {
  std::string run;
  RunSource source;
  std::vector<std::string> what = {"rgb"};  // rgb, depth, normals, semantics, features, grid
  std::string view;                         // names, "all", "train", "test"; a pose file
  int orbit = 0;                            // so many pictures on a circle around what the cameras look at
  int path = 0;                             // so many pictures between each two training views, in name order
  std::string out;                          // folder; empty: renders/ in the run
  std::string format = "png";               // png, exr, mp4
  std::string teacher = "sam";              // whose features
  ClassVoteOptions vote;                    // whose semantics
  std::string category;                     // of the object, for a picture of one
  std::vector<std::string> click;           // "x,y": cuts the object out of a picture without alpha
  Through through;                          // of rgb, depth, normals and features
  bool edited = false;                      // as the run's edits leave the scene
  double scale = 1;                         // of the training size
  int fps = 24;
  void Describe(OptionList& list);
};

struct RenderResult {
  std::vector<std::string> files;   // pictures; none that were made for videos only
  std::vector<std::string> videos;  // made of them
  size_t views = 0;
  double milliseconds_per_view = 0;
  std::vector<std::string> legend;  // of semantics: picture and JSON of the classes
  double unseen = 0;                // of semantics: mean share of pixels that no source sees
  bool tells_videos = false;        // videos were asked for: the text names them in the pictures' place
  bool lacks_videos = false;        // they could not be made
  std::vector<std::string> Text() const;
  Json ToJson() const;
  int exit_code() const { return lacks_videos ? 1 : 0; }
};

// Pictures of a trained scene. EXR keeps linear light, depth in world units and normals
// in world axes; MP4 needs ffmpeg.
RenderResult RunRender(const RenderJobOptions& options, const MethodList& methods, const JobControl& control);

}  // namespace semfield
