#include "semfield/diagnosis/diagnose.h"

#include <algorithm>
#include <set>

#include "semfield/diagnosis/photos.h"
#include "semfield/diagnosis/poses.h"

namespace semfield {
namespace {

using diagnosis::Finding;
using diagnosis::Findings;

constexpr double kAgreeingShare = 0.8;  // of matches, overall

void Append(Findings found, Diagnosis* diagnosis) {
  for (Finding& finding : found) diagnosis->findings.push_back(std::move(finding));
}

// A view that was already named for its pose needs no second finding from the sparse points.
Findings NotYetNamed(Findings found, const Findings& before) {
  std::set<std::string> named;
  for (const Finding& finding : before) named.insert(finding.views.begin(), finding.views.end());
  Findings rest;
  for (Finding& finding : found) {
    if (finding.views.size() != 1 || named.count(finding.views.front()) == 0)
      rest.push_back(std::move(finding));
  }
  return rest;
}

// Whether photos and poses agree with the intrinsics of `views` (none: of all) as they are given.
bool PhotosAgree(const Capture& capture, const diagnosis::PoseVerdict& poses,
                 const std::vector<std::string>& views) {
  if (!poses.findings.empty() || poses.agreeing < kAgreeingShare) return false;
  const std::set<std::string> asked(views.begin(), views.end());
  for (size_t v = 0; v < capture.views.size(); ++v) {
    if (!poses.judged[v] && (asked.empty() || asked.count(capture.views[v].name) > 0)) return false;
  }
  return true;
}

// Odd intrinsics under which photos and poses agree all the same are a crop or a rare lens, no mistake.
Findings JudgeIntrinsics(const Capture& capture, const diagnosis::PoseVerdict& poses) {
  Findings findings = diagnosis::CheckIntrinsics(capture);
  for (Finding& finding : findings) {
    if (!PhotosAgree(capture, poses, finding.views)) continue;
    finding.severity = diagnosis::Severity::kNote;
    finding.advice = "Photos and poses agree with it all the same: nothing has to be done.";
  }
  return findings;
}

}  // namespace

Diagnosis Diagnose(const Capture& capture, const JobControl& control) {
  Diagnosis diagnosis;
  const diagnosis::Evidence evidence = diagnosis::GatherEvidence(capture, control);
  diagnosis::PoseVerdict poses = diagnosis::JudgePoses(capture, evidence);
  control.ThrowIfStopped();
  Append(JudgeIntrinsics(capture, poses), &diagnosis);
  Findings sparse = NotYetNamed(diagnosis::CheckSparsePoints(capture), poses.findings);
  Append(std::move(poses.findings), &diagnosis);
  Append(std::move(sparse), &diagnosis);
  Append(diagnosis::CheckMasks(capture), &diagnosis);
  Append(diagnosis::CheckBlur(capture, evidence), &diagnosis);
  Append(diagnosis::CheckExposure(capture, evidence), &diagnosis);
  Append(diagnosis::CheckDuplicates(capture, evidence), &diagnosis);
  std::stable_sort(diagnosis.findings.begin(), diagnosis.findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity < b.severity; });
  for (size_t v = 0; v < capture.views.size(); ++v) {
    if (poses.judged[v]) {
      ++diagnosis.num_judged;
    } else {
      diagnosis.not_judged.push_back(capture.views[v].name);
    }
  }
  diagnosis.num_pairs = static_cast<int>(evidence.pairs.size());
  diagnosis.agreeing = poses.agreeing;
  diagnosis.median_error = poses.errors.median;
  if (poses.errors.parallax >= 0) diagnosis.parallax_degrees = poses.errors.parallax * 57.29578;
  return diagnosis;
}

}  // namespace semfield
