#pragma once

#include <filesystem>
#include <string>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"
#include "semfield/evaluation/evaluation_scene.h"
#include "semfield/run/opened_run.h"

namespace semfield {

struct EvaluateJobOptions {
  std::string run;
  std::string protocol = "views";
  std::string teacher = "sam";
  std::string granularity = "auto";
  std::string onnxruntime;
  int max_views = 0;
  std::string fit_left_half = "none";
  std::string truth;  // capture with the true poses or exposures (protocols poses, exposure)
  bool photo_teacher = false;
  int clicks_per_side = 5;  // of the grid of clicks in every view
  void Describe(OptionList& list);
};

// Scores a run on its held-out views. The answer is {"protocol", "capture", "run", "metrics", "definitions",
// "per_view"}; with protocol "all" metrics, definitions and per_view hold one entry a protocol. Each
// protocol's answer is kept as evaluation-<protocol>.json in the run folder too.
Json RunEvaluate(const EvaluateJobOptions& options, const MethodList& methods, const JobControl& control);

// Where the answer of a protocol is kept.
std::filesystem::path EvaluationFile(const RunFolder& run, const std::string& protocol);

EvaluationScene SceneOfRun(const OpenedRun& run);

}  // namespace semfield
