#pragma once

#include <optional>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"
#include "semfield/perception/models.h"

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

struct ModelsResult {
  std::vector<ModelListing> models;  // list
  std::optional<ModelCheck> check;   // check and add
  std::string overlay;               // picture of the check's mask
  bool is_below = false;             // a model that was to be checked runs but makes no sense
  std::vector<std::string> Text() const;
  Json ToJson() const;
  int exit_code() const { return is_below ? 1 : 0; }
};

// Lists, checks and adds teachers.
ModelsResult RunModels(const ModelsJobOptions& options, const JobControl& control);

}  // namespace semfield
