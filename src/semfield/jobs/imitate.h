#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "semfield/base/any_options.h"
#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/methods/method.h"
#include "semfield/run/run_capture.h"

namespace semfield {

struct ImitateJobOptions {
  std::string run;
  RunSource source;
  std::string teacher = "sam";
  std::string method;  // name; empty: the list's default
  std::string preset = "default";
  std::string onnxruntime;
  double minutes = 0;  // 0: the options' steps
  bool resume = false;
  bool restart = false;
  bool keep_cache = false;
  bool prepare_clicks = true;  // what selections need of the photos is made too
  bool deterministic = false;  // nothing that the clock decides
  double checkpoint_seconds = 45;
  // First features, to click with while the field is trained further: any later imitation replaces them
  // without being told to, and its first checkpoint is when.
  bool first = false;
  std::string how_to_resume = "--resume";  // as TrainingSessionOptions
  AnyOptions options;                      // of the method; empty: its defaults
  std::string presets = "imitate";         // folder of the method's presets under configs/
  GivenOptions given;  // of these options and the method's; what is not its default counts as given too
  void Describe(OptionList& list);
  // Takes a method, empty: the default, and its options at their defaults.
  void ChooseMethod(const MethodList& methods, const std::string& name = "");
  // The method for a teacher, in the same way.
  void ChooseTeacher(const MethodList& methods, const std::string& name);
  // What the preset sets, for help.
  Json PresetValues() const;

 private:
  void TakeMethod(const Method& chosen);
};

struct ImitateResult {
  std::string run;
  int steps = 0;
  int64_t views = 0;        // that the teacher saw
  double seconds = 0;       // of the whole imitation, over all resumes
  double wall_seconds = 0;  // of this call
  std::string next;         // the command to go on with
  std::vector<std::string> Text() const;
  Json ToJson() const;
};

// Trains a feature field that imitates a teacher's encoder on renderings of the run's radiance field, which
// is not touched. Before that it makes what clicks will ask for: the surface that views see, and what the
// teacher says of the photos, in at most a fifth of the time. Views for the teacher are rendered and encoded
// in the background while steps go on. The run is locked from the first look into it to the end.
ImitateResult RunImitate(const ImitateJobOptions& options, const MethodList& methods,
                         const JobControl& control);

}  // namespace semfield
