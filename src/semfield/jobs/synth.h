#pragma once

#include <string>

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

// Writes a synthetic capture with exact labels. A folder that holds a capture already is an Error unless
// overwrite.
Json RunSynth(const SynthJobOptions& options, const JobControl& control);

}  // namespace semfield
