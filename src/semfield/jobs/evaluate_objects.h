#pragma once

#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/options.h"
#include "semfield/evaluation/object_protocol.h"
#include "semfield/methods/method.h"

namespace semfield {

// How features of objects are scored.
struct EvaluateObjectsOptions {
  std::string category = "all";  // name of a sub-folder of the corpus
  std::string pairs = "all";     // a list of evaluation/object_pairs.h
  int max_pairs = 0;             // of each list and category; 0: all
  bool surface = true;
  std::string teacher = "imagenet+sam";  // as ObjectTeacherOptions::models; "none": no such row
  std::vector<std::string> features;     // folders, as FileFeatures
  // Further rows: NAME=WEIGHTS or NAME=WEIGHTS:FEATURES of a method over many objects (ObjectInputs).
  std::vector<std::string> weights;
  std::string object_method = "feature_nerf";  // whose weights they are
  std::string cache;                           // folder of what the teacher said; empty: nothing is kept
  void Describe(OptionList& list);
};

// Scores features on a category of objects, or a folder of such. Nothing is written but the cache.
ProtocolResult EvaluateObjects(const ObjectProtocol& protocol, const std::string& folder,
                               const EvaluateObjectsOptions& options, const MethodList& methods,
                               const std::string& onnxruntime, const JobControl& control);

}  // namespace semfield
