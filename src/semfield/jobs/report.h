#pragma once

#include <string>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"
#include "semfield/methods/method.h"

namespace semfield {

struct ReportJobOptions {
  std::string run;
  std::string teacher = "sam";
  std::string onnxruntime;
  std::string out;  // empty: report.html in the run
  int views = 6;
  void Describe(OptionList& list);
};

// Writes one self-contained HTML page about a run: options, curves, held-out pictures, masks beside the
// teacher's, metrics and times. Pictures are rendered anew; numbers come from what `evaluate` kept, and where
// that is missing the page says which command makes it.
Json RunReport(const ReportJobOptions& options, const MethodList& methods, const JobControl& control);

}  // namespace semfield
