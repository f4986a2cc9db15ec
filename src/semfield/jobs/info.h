#pragma once

#include <string>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"

namespace semfield {

struct InfoJobOptions {
  std::string capture;  // folder or pose file
  std::string format;   // reader's name; empty: sniffed
  bool allow_outside = false;
  bool list_views = false;
  void Describe(OptionList& list);
};

// Reads a capture and says what is in it. The answer's "text" is lines for people; the data are format, hash,
// views, cameras (one entry for each different camera, with how many views it took), split, bounds, classes,
// instances, masks, sparse points and warnings (which reading the capture logs here, so the text leaves them
// out). Throws Error when the capture cannot be used.
Json RunInfo(const InfoJobOptions& options, const JobControl& control);

}  // namespace semfield
