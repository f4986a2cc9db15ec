#pragma once

#include <string>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"

namespace semfield {

struct CheckJobOptions {
  std::string capture;  // folder or pose file
  std::string format;   // reader's name; empty: sniffed
  bool allow_outside = false;
  void Describe(OptionList& list);
};

// Looks for what would spoil a training: reads the capture and all its photos and compares them with each
// other. The answer's "text" is the verdict, what was compared, problems with advice, and the capture's
// warnings as notes; the data are verdict ("fine" or "problems"), problems (kind, message, advice, views,
// numbers), notes and compared. "exit_code" is 1 when there are problems. Throws Error when the capture
// cannot be used.
Json RunCheck(const CheckJobOptions& options, const JobControl& control);

}  // namespace semfield
