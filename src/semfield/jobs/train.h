#pragma once

#include <optional>
#include <string>
#include <vector>

#include "semfield/base/any_options.h"
#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/methods/method.h"

namespace semfield {

struct TrainJobOptions {
  std::string capture;
  std::string out;
  std::string format;          // of the capture; empty: sniffed
  bool allow_outside = false;  // may the capture name files outside its folder?
  std::string method;          // name; empty: the list's default
  std::string finetune;        // capture that a method over many scenes goes on with alone
  std::string preset = "default";
  std::string config;  // config.json of another run to repeat
  double minutes = 0;  // 0: the preset's steps
  double downscale = 1;
  std::string masks = "auto";   // what they cut away is to be: ignored, empty, or found out
  int image_cache = 0;          // MiB of decoded photos; 0: kDefaultImageCacheMib, or what the run had
  TrainingProcesses processes;  // of methods over many scenes
  int workers = 1;              // local processes to start, this one among them
  bool resume = false;
  bool restart = false;
  bool deterministic = false;  // nothing that the clock decides
  double checkpoint_seconds = 45;
  // For jobs that alternate: saves and returns when the whole training took so many; 0: never.
  double pause_after_seconds = 0;
  std::string how_to_resume = "--resume";  // as TrainingSessionOptions
  AnyOptions options;                      // of the method; empty: its defaults
  std::string presets = "train";           // folder of the method's presets under configs/
  GivenOptions given;  // of these options and the method's; what is not its default counts as given too
  void Describe(OptionList& list);
  // Takes a method, empty: the default, and its options at their defaults.
  void ChooseMethod(const MethodList& methods, const std::string& name = "");
  // What the preset sets, for help.
  Json PresetValues() const;
};

struct TrainResult {
  std::string run;
  int steps = 0;                     // made so far
  bool finished = false;             // a pause leaves it unfinished
  bool trained = false;              // by this call; or nothing was left to do
  double seconds = 0;                // of the whole training, over all resumes
  std::optional<double> train_psnr;  // dB, mean over the last steps
  double wall_seconds = 0;           // of this call
  std::string next = {};             // what can be done with it; empty: imitate
  std::vector<std::string> Text() const;
  Json ToJson() const;
};

// Trains a radiance field into a run folder; resumes what was interrupted. Ctrl-C saves a checkpoint before
// InterruptedError().
TrainResult RunTrain(const TrainJobOptions& options, const MethodList& methods, const JobControl& control);

}  // namespace semfield
