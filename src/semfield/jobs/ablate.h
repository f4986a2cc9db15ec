#pragma once

#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/jobs/ablation_tables.h"
#include "semfield/methods/method.h"
#include "semfield/run/run_capture.h"

namespace semfield {

struct AblateJobOptions {
  std::string run;
  RunSource source;
  std::string table = "san";
  int steps = 1000;  // of every imitation
  int seeds = 3;
  std::string teacher;   // empty: the table's
  int max_views = 0;     // held-out views to score; 0: all
  bool restart = false;  // forgets what was measured
  std::string onnxruntime;
  Json extra = Json::object();  // options of the method that every row has beside its own
  void Describe(OptionList& list);
};

// One imitation that was measured.
struct AblationCell {
  std::string row;
  int seed = 0;
  double feature_mse = 0;
  double iou = 0;
  double seconds = 0;  // of the imitation
  int64_t views = 0;   // that the teacher saw
};

struct AblateResult {
  AblationTable table;
  std::vector<AblationCell> cells;  // row by row, seed by seed
  std::string file;                 // where they are kept
  std::vector<std::string> Text() const;
  Json ToJson() const;
};

// Imitates a teacher on the run's radiance field once for every row of a table and every seed, with equal
// steps, scores each by protocol `san`, and keeps what was measured in RUN/ablation-TABLE.json. The run's own
// features are not touched: every imitation has a folder of its own below RUN/ablations, which goes when it
// is scored. Called again after an interruption it goes on where it was; what was measured on another field
// or with other steps is measured anew.
AblateResult RunAblate(const AblateJobOptions& options, const MethodList& methods, const JobControl& control);

}  // namespace semfield
