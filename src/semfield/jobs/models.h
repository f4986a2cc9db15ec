#pragma once

#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"

namespace semfield {

struct ModelsJobOptions {
  std::string action = "list";     // list, check, add
  std::vector<std::string> files;  // add: encoder and decoder; check: names of models
  std::string kind = "sam";
  std::string as;
  bool replace = false;
  std::string licence;
  std::string out;  // check: where the overlay goes
  std::string onnxruntime;
  void Describe(OptionList& list);
};

// Lists, checks and adds teachers. check answers with exit code 1 when a model runs but its answer makes no
// sense.
Json RunModels(const ModelsJobOptions& options, const JobControl& control);

}  // namespace semfield
