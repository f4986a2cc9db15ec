#pragma once

#include <cstddef>
#include <string>
#include <vector>

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

struct ConvertResult {
  std::string capture;  // the new one
  std::string format, from;
  size_t views = 0;
  std::vector<std::string> notes;  // what the format cannot hold
  std::vector<std::string> Text() const;
  Json ToJson() const;
};

// Writes a capture in another format (capture/writers/writer.h): same cameras, poses, units and axes.
ConvertResult RunConvert(const ConvertJobOptions& options, const JobControl& control);

}  // namespace semfield
