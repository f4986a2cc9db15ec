#pragma once

#include <string>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"

namespace semfield {

struct ConvertJobOptions {
  std::string capture;                // folder or pose file
  std::string out;                    // folder of the new capture; must be new or empty
  std::string format = "transforms";  // writer's name
  std::string from;                   // reader's name; empty: sniffed
  bool allow_outside = false;
  void Describe(OptionList& list);
};

// Writes a capture in another format (capture/writers/writer.h): same cameras, poses, units and axes. The
// answer's data are capture, format, from, views and notes: what the format cannot hold.
Json RunConvert(const ConvertJobOptions& options, const JobControl& control);

}  // namespace semfield
