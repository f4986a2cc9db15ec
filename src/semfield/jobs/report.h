#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"
#include "semfield/methods/method.h"
#include "semfield/run/run_capture.h"

namespace semfield {

struct ReportJobOptions {
  std::string run;
  RunSource source;
  std::string teacher = "sam";
  std::string onnxruntime;
  std::string out;  // empty: report.html in the run
  int views = 6;
  void Describe(OptionList& list);
};

struct ReportResult {
  std::string report;  // HTML file
  size_t bytes = 0;
  std::vector<std::string> notes;  // what is missing or out of date
  double seconds = 0;
  std::vector<std::string> Text() const;
  Json ToJson() const;
};

// Writes one self-contained HTML page about a run: options, curves, held-out pictures, masks beside the
// teacher's, metrics and times. Pictures are rendered anew; numbers come from what `evaluate` kept, and where
// that is missing the page says which command makes it.
ReportResult RunReport(const ReportJobOptions& options, const MethodList& methods, const JobControl& control);

}  // namespace semfield
