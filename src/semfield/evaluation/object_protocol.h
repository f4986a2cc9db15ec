#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/evaluation/protocol.h"
#include "semfield/field/object_features.h"

namespace semfield {

// What scores features of objects: a corpus instead of a run.
struct ObjectProtocolInputs {
  std::vector<std::filesystem::path> categories;  // folders (capture/readers/object_sheets.h)
  std::vector<std::string> lists;                 // names of lists of pairs (evaluation/object_pairs.h)
  int max_pairs = 0;                              // of each list and category; 0: all
  bool surface = true;                            // in 3D too, where objects tell points of their surface
  // Whose features are compared, of a category by its name. Beside them stands the row without any features.
  std::function<std::vector<std::shared_ptr<const ObjectFeatures>>(const std::string& category)> features;
};

// One way to score features of objects. Stateless.
class ObjectProtocol {
 public:
  virtual ~ObjectProtocol() = default;
  virtual std::string name() const = 0;
  virtual std::string sentence() const = 0;  // what is compared with what
  // metrics[category][list][row][metric], and of "all" the means over categories; per_view has an entry a
  // pair. Long work reports and can be stopped (InterruptedError).
  virtual ProtocolResult Run(const ObjectProtocolInputs& inputs, const JobControl& control) const = 0;
};

// All of them, in the order in which help lists them.
const std::vector<std::shared_ptr<const ObjectProtocol>>& ObjectProtocols();
// nullptr: none is called so.
const ObjectProtocol* FindObjectProtocol(const std::string& name);

std::shared_ptr<const ObjectProtocol> MakePartsProtocol();
std::shared_ptr<const ObjectProtocol> MakeKeypointsProtocol();

}  // namespace semfield
