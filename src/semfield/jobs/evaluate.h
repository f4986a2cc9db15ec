#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "semfield/base/any_options.h"
#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/evaluation/protocol.h"
#include "semfield/jobs/evaluate_objects.h"
#include "semfield/methods/method.h"
#include "semfield/run/run_capture.h"
#include "semfield/surface/shown_field.h"

namespace semfield {

struct EvaluateJobOptions {
  EvaluateJobOptions();
  // Or a scene list (capture/scene_list.h) of runs; of an ObjectProtocol, a category of objects or a folder
  // of such.
  std::string run;
  std::string split = "test";  // of a list: which of its scenes
  RunSource source;
  std::string method = "gnesf";  // of captures, as FeedForwardOptions
  std::string words_model;
  std::string weights;
  std::string protocol = "views";  // a name of Protocols() or ObjectProtocols(), or "all": those of a run
                                   // that need no truth
  int max_views = 0;               // 0: all
  std::string truth;               // capture that protocols compare with
  std::string teacher = "sam";
  std::string onnxruntime;
  Through through;  // what pictures and features are scored; the teacher is shown the volume's
  EvaluateObjectsOptions objects;
  std::map<std::string, AnyOptions> options;  // of every protocol, by its name
  void Describe(OptionList& list);
};

struct EvaluateResult {
  // What all protocols' answers begin with.
  struct Header {
    std::string capture, run, split, radiance_checkpoint, through;
  };
  Header header;
  bool all = false;  // one entry a protocol in metrics, definitions, per_view
  std::vector<ProtocolResult> protocols;
  std::vector<EvaluateResult> scenes;  // of a list; all else but `all` is empty then
  std::vector<std::string> names;      // [scenes] their folders
  Json over_scenes;                    // OverScenes of their metrics
  std::vector<std::string> Text() const;
  Json ToJson() const;
};

// Scores a run, the features of objects (nothing is kept then), or the runs of a list one after another and
// what they are together. Each protocol's answer is kept as evaluation-<protocol>.json in the run folder too.
// A protocol that lacks what it needs: InputError that says what is missing, before any work.
EvaluateResult RunEvaluate(const EvaluateJobOptions& options, const MethodList& methods,
                           const JobControl& control);

// Where the answer of a protocol is kept.
std::filesystem::path EvaluationFile(const RunFolder& run, const std::string& protocol);

// field: nullptr: the run's own.
EvaluationScene SceneOfRun(const OpenedRun& run, const RadianceField* field = nullptr);

}  // namespace semfield
