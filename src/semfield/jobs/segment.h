#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"
#include "semfield/jobs/words_result.h"
#include "semfield/methods/method.h"
#include "semfield/perception/prompt.h"
#include "semfield/run/run_capture.h"
#include "semfield/surface/shown_field.h"
#include "semfield/views/run_classes.h"

namespace semfield {

struct SegmentJobOptions {
  std::string run;
  RunSource source;
  std::string view;
  std::vector<std::string> click;  // x,y or x,y,- in pixels of the view's original image
  std::vector<std::string> box;    // x0,y0,x1,y1
  std::string text, class_name;    // or what it is, in words
  std::string views;               // also these: all, train, test or a list
  std::string granularity = "auto";
  std::string teacher = "sam";
  std::string words_model = "rooms-fast", text_model = "minilm";  // as SelectJobOptions
  ClassVoteOptions vote = {.method = "things"};  // of class_name: its method says who answers; model unused
  std::string onnxruntime;
  std::string out;   // folder; empty: masks/ in the run
  std::string name;  // prefix of the files; empty: "mask", or the first number of it that is free
  bool teacher_direct = false;
  bool per_view = false;  // each view is asked for itself
  Through through;        // of features that are rendered for each view
  bool refine = true;     // the teacher on the photos answers, not the imitated features
  bool truth = false;     // compare with the capture's instance masks
  double depth_tolerance = 0.02;
  void Describe(OptionList& list);
};

struct SegmentJobResult {
  struct View {
    std::string name;
    std::string photo = {};     // its file; empty: none
    int width = 0, height = 0;  // pixels that clicks are in
    std::string mask, overlay;  // files
    double score = 0;           // the decoder's own
    int64_t area = 0;           // pixels
    double area_share = 0;      // of the view
    std::string granularity;
    bool hidden = false;              // nothing of it is seen, or no positive click: the mask is empty
    std::vector<PromptPoint> clicks;  // in the view's pixels
    std::map<std::string, double> milliseconds;
    std::optional<double> truth_iou;  // with the capture's instance `truth`
    std::string truth;
  };
  std::string run;
  std::optional<WordsResult> words;  // where things were asked for by words
  std::string asked_class;           // where photos voted on a class
  std::vector<View> views;           // the one that was clicked in comes first
  std::string sheet;                 // picture of all overlays
  std::string numbers;               // JSON file of ToJson()
  std::vector<std::string> Text() const;
  Json ToJson() const;
  // 1: words found nothing, or no view shows the class.
  int exit_code() const;
};

// Masks of one thing from clicks or a box in one view, there and in other views. Mask PNG and overlay PNG a
// view, one JSON for all. Where other views are asked for, the clicks find a thing in 3D that every view
// shows its part of; a view that sees nothing of it gets an empty mask and says "hidden". With per_view, the
// first view's mask comes from the prompt as given, others from its clicks lifted to the surface and
// projected; there "hidden" is a view that sees no positive click. Of words: the masks of all things of the
// run that they mean, and no click; or, of a class by vote.method "gnesf", of every pixel on which the photos
// vote so.
SegmentJobResult RunSegment(const SegmentJobOptions& options, const MethodList& methods,
                            const JobControl& control);

}  // namespace semfield
