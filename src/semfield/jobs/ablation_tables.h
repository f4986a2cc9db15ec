#pragma once

#include <optional>
#include <string>
#include <vector>

#include "semfield/base/json.h"

namespace semfield {

// What a paper measured for one row of its table.
struct PaperRow {
  double feature_loss = 0;
  double iou = 0;
  double minutes = 0;
};

// One row: a way to imitate, given by the options in which it differs from the first row.
struct AblationRow {
  std::string name;
  Json options = Json::object();  // of the imitation's method, by their names
  std::optional<PaperRow> paper = {};
};

// An ablation of a paper. The first row is the full method; every row is imitated with the same steps.
struct AblationTable {
  std::string name;      // of --table
  std::string sentence;  // what is left out, and the paper's table
  std::string method;    // of the imitation
  std::string preset;    // what all rows begin with
  std::string teacher;   // that the rows imitate if no other is named
  std::vector<AblationRow> rows;
  // Which protocol scores a row, and where its metrics have the two numbers of a row (JSON pointers).
  std::string protocol = "san";
  std::string loss_name = "feature loss", loss_at = "/feature_mse";
  std::string iou_at = "/iou";
};

const std::vector<AblationTable>& AblationTables();
// Unknown: InputError that lists the known ones.
const AblationTable& FindAblationTable(const std::string& name);

}  // namespace semfield
