#pragma once

#include "semfield/jobs/imitate.h"
#include "semfield/jobs/train.h"

namespace semfield {

struct SceneJobOptions {
  std::string capture;
  std::string out;
  std::string format;
  bool allow_outside = false;
  std::string teacher = "sam";
  std::string onnxruntime;
  double minutes = 8;
  double downscale = 1;
  int image_cache = 0;  // as TrainJobOptions
  std::string background = "auto";
  int seed = 1;
  void Describe(OptionList& list);
};

// Train, then imitate, sharing the minutes; called again it goes on where it was. The run can be clicked as
// soon as the first feature checkpoint is there.
Json RunScene(const SceneJobOptions& options, const JobControl& control);

}  // namespace semfield
