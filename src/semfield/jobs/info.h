#pragma once

#include <optional>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"
#include "semfield/capture/capture.h"
#include "semfield/capture/mask_use.h"
#include "semfield/jobs/run_state.h"

namespace semfield {

struct InfoJobOptions {
  std::string capture;  // folder or pose file; or a run folder
  std::string format;   // reader's name; empty: sniffed
  bool allow_outside = false;
  bool list_views = false;
  void Describe(OptionList& list);
};

struct InfoResult {
  struct CameraUse {
    Camera camera;
    int num_views = 0;
  };
  Capture capture;
  std::vector<CameraUse> cameras;    // the different ones, the most used first
  MaskDecision masks;                // what training makes of them by itself
  bool list_views = false;           // in the text too
  std::optional<RunState> run = {};  // of a run folder, and nothing else is set
  std::vector<std::string> Text() const;
  Json ToJson() const;
};

// Reads a capture and says what is in it; its warnings are logged. Of a run folder: how far it is. Throws
// Error when the capture cannot be used.
InfoResult RunInfo(const InfoJobOptions& options, const JobControl& control);

}  // namespace semfield
