#pragma once

#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"
#include "semfield/capture/capture.h"
#include "semfield/capture/mask_use.h"
#include "semfield/diagnosis/diagnose.h"

namespace semfield {

struct CheckJobOptions {
  std::string capture;  // folder or pose file
  std::string format;   // reader's name; empty: sniffed
  bool allow_outside = false;
  void Describe(OptionList& list);
};

struct CheckResult {
  Capture capture;
  Diagnosis diagnosis;
  MaskDecision masks;  // what training makes of them by itself
  int num_problems() const;
  std::vector<std::string> Notes() const;  // what is unusual but no fault, and the capture's warnings
  std::vector<std::string> Text() const;
  Json ToJson() const;
  int exit_code() const { return num_problems() > 0 ? 1 : 0; }
};

// Looks for what would spoil a training: reads the capture and all its photos and compares them with each
// other. Throws Error when the capture cannot be used.
CheckResult RunCheck(const CheckJobOptions& options, const JobControl& control);

}  // namespace semfield
