#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"
#include "semfield/synthetic/synthetic.h"

namespace semfield {

struct SynthJobOptions {
  std::string out;  // folder of the new capture
  bool overwrite = false;
  SyntheticOptions scene;
  void Describe(OptionList& list);
};

struct SynthResult {
  std::string capture;
  int views = 0;
  int width = 0, height = 0;
  size_t instances = 0;
  std::vector<std::string> classes;
  std::vector<std::string> Text() const;
  Json ToJson() const;
};

// Writes a synthetic capture with exact labels. A folder that holds a capture already is an Error unless
// overwrite.
SynthResult RunSynth(const SynthJobOptions& options, const JobControl& control);

}  // namespace semfield
