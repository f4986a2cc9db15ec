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
  bool first_features = true;  // while the field is trained, if that takes long
  // How long the field is trained for its first features, and how long these are imitated.
  double first_field_minutes = 1.25, first_features_minutes = 0.6;
  void Describe(OptionList& list);
};

struct SceneResult {
  TrainResult train;
  ImitateResult imitate;
  std::vector<std::string> Text() const;
  Json ToJson() const;
};

// Train, then imitate, sharing the minutes; called again it goes on where it was. A training that takes more
// than 1.75 first_field_minutes pauses after these, and the field so far gets first features, so that the run
// can be clicked early. They cost the imitation of the whole field their minutes and are no part of it: it
// starts afresh, on views of the whole field, and its first checkpoint replaces them.
SceneResult RunScene(const SceneJobOptions& options, const MethodList& methods, const JobControl& control);

}  // namespace semfield
