#pragma once

#include <string>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/methods/feature_field/feature_options.h"

namespace semfield {

struct ImitateJobOptions {
  std::string run;
  std::string teacher = "sam";
  std::string preset = "default";
  std::string onnxruntime;
  double minutes = 0;  // 0: the options' steps
  bool resume = false;
  bool restart = false;
  bool keep_cache = false;
  bool deterministic = false;  // nothing that the clock decides
  double checkpoint_seconds = 45;
  // First features, to click with while the field is trained further: any later imitation replaces them
  // without being told to, and its first checkpoint is when.
  bool first = false;
  FeatureOptions features;
  GivenOptions given;  // of these options; what is not its default counts as given too
  void Describe(OptionList& list);
  // What the preset sets, for help.
  Json PresetValues() const;
};

// Trains a feature field that imitates a teacher's encoder on renderings of the run's radiance field, which
// is not touched. Views for the teacher are rendered and encoded in the background while steps go on.
Json RunImitate(const ImitateJobOptions& options, const JobControl& control);

}  // namespace semfield
