#pragma once

#include "semfield/base/job_control.h"
#include "semfield/capture/capture.h"
#include "semfield/diagnosis/finding.h"

namespace semfield {

// What a capture's photos, poses, intrinsics and masks say about each other.
struct Diagnosis {
  diagnosis::Findings findings;         // problems first
  int num_judged = 0;                   // views that could be compared with others
  std::vector<std::string> not_judged;  // names of the others
  int num_pairs = 0;                    // of views with things in common
  double agreeing = -1;          // share of matches within 3 pixels (of 640) of where the poses say; -1: none
  double median_error = -1;      // of points seen by three or more photos, pixels of 640; -1: none
  double parallax_degrees = -1;  // median of the widest angle a point is seen under; -1: none
};

// Reads all photos at up to 640 pixels. Problems are contradictions and unfit photos; the capture's own
// warnings are not repeated. Deterministic. Throws Error for damaged files.
Diagnosis Diagnose(const Capture& capture, const JobControl& control);

}  // namespace semfield
