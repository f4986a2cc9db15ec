#pragma once

#include <string>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/methods/radiance/model/radiance_options.h"

namespace semfield {

struct TrainJobOptions {
  std::string capture;
  std::string out;
  std::string format;          // of the capture; empty: sniffed
  bool allow_outside = false;  // may the capture name files outside its folder?
  std::string preset = "default";
  std::string config;  // config.json of another run to repeat
  double minutes = 0;  // 0: the preset's steps
  double downscale = 1;
  int image_cache = 0;  // MiB of decoded photos; 0: kDefaultImageCacheMib, or what the run had
  bool resume = false;
  bool restart = false;
  bool deterministic = false;  // nothing that the clock decides
  double checkpoint_seconds = 45;
  // For jobs that alternate: saves and returns when the whole training took so many; 0: never.
  double pause_after_seconds = 0;
  RadianceOptions radiance;
  GivenOptions given;  // of these options; what is not its default counts as given too
  void Describe(OptionList& list);
  // What the preset sets, for help.
  Json PresetValues() const;
};

// Trains a radiance field into a run folder; resumes what was interrupted. The answer holds steps, seconds,
// the training PSNR, the paths, and whether the training is finished (a pause leaves it unfinished). Ctrl-C
// saves a checkpoint before InterruptedError().
Json RunTrain(const TrainJobOptions& options, const JobControl& control);

}  // namespace semfield
