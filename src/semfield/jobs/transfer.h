#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"
#include "semfield/methods/method.h"

namespace semfield {

// From one picture of an object to another of its kind. A picture is a PNG with alpha, a photo with a click
// on the object, or FOLDER:VIEW of an object of a corpus (capture/readers/object_sheets.h).
struct TransferOptions {
  std::vector<std::string> pictures;                    // source and target
  std::vector<std::string> source_click, target_click;  // X,Y on the object of a photo: SAM cuts it out
  std::string parts;                                    // part map of the source; empty: that of the corpus
  std::string part;                                     // name or id of the only part that changes
  bool keep_shading = false;
  int smoothing = 2;
  // Whose features tell which places are the same: of a method over many objects, where the category is told,
  // else of the teacher.
  std::string category, object_method = "feature_nerf", weights;
  std::string teacher = "imagenet+sam";
  std::string out = "transfer";  // folder
  void Describe(OptionList& list);
};

struct TransferResult {
  std::filesystem::path out;
  std::vector<std::string> files;  // in it
  std::string features;            // whose they were
  double changed = 0;              // share of the target's object that took a colour
  std::optional<double> part_iou;  // of the carried parts, where the target's are known
  double seconds = 0;
  std::vector<std::string> Text() const;
  Json ToJson() const;
};

// Writes texture.png (the target in the source's colours), parts.png (its parts, where the source's are
// known) and transfer.png (all beside each other).
TransferResult RunTransfer(const TransferOptions& options, const MethodList& methods,
                           const std::string& onnxruntime, const JobControl& control);

}  // namespace semfield
