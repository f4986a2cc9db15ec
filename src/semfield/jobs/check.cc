#include "semfield/jobs/check.h"

#include <algorithm>

#include "semfield/capture/reader.h"
#include "semfield/diagnosis/diagnose.h"

#include <fmt/format.h>

namespace semfield {
namespace {

using diagnosis::Finding;
using diagnosis::Severity;

bool IsProblem(const Finding& finding) {
  return finding.severity == Severity::kProblem;
}

Json FindingJson(const Finding& finding) {
  return {{"kind", finding.kind},
          {"message", finding.message},
          {"advice", finding.advice},
          {"views", finding.views},
          {"numbers", finding.numbers}};
}

// What the verdict stands on.
std::string ComparedText(const Capture& capture, const Diagnosis& diagnosis) {
  std::string text = fmt::format("{} of {} views in {} pairs", diagnosis.num_judged, capture.views.size(),
                                 diagnosis.num_pairs);
  if (diagnosis.agreeing >= 0) {
    text += fmt::format("; {:.0f} % of what two photos both show lies where the poses say",
                        100 * diagnosis.agreeing);
  }
  if (diagnosis.median_error >= 0) {
    text += fmt::format(", points of three or more to {:.1f} pixels of 640", diagnosis.median_error);
  }
  return text;
}

// Views that nothing was found out about: a fact, not a fault.
std::string NotComparedText(const Capture& capture, const Diagnosis& diagnosis) {
  if (diagnosis.num_judged == 0) {
    return "poses and intrinsics could not be judged: the photos share too little that can be recognised";
  }
  return fmt::format("{} of {} views share too little with others to be judged: {}",
                     diagnosis.not_judged.size(), capture.views.size(),
                     diagnosis::NamesInWords(diagnosis.not_judged, 12));
}

// Whether the views that nothing was found out about are few.
bool JudgedMost(const Diagnosis& diagnosis) {
  constexpr double kMost = 0.8;
  const double views =
      static_cast<double>(diagnosis.num_judged) + static_cast<double>(diagnosis.not_judged.size());
  return diagnosis.num_judged > 0 && diagnosis.num_judged >= kMost * views;
}

std::string VerdictText(int num_problems, const Diagnosis& diagnosis) {
  if (num_problems > 0) return fmt::format("{} problem{}", num_problems, num_problems == 1 ? "" : "s");
  const int views = diagnosis.num_judged + static_cast<int>(diagnosis.not_judged.size());
  if (diagnosis.not_judged.empty()) return "fine: photos, poses and cameras agree";
  if (JudgedMost(diagnosis)) {
    return fmt::format("fine in the {} of {} views that could be judged: photos, poses and cameras agree",
                       diagnosis.num_judged, views);
  }
  return fmt::format("unknown: no problem found, but only {} of {} views could be judged",
                     diagnosis.num_judged, views);
}

}  // namespace

void CheckJobOptions::Describe(OptionList& list) {
  list.Text("capture", &capture, "Folder of a capture, or its pose file.");
  list.Group("Reading");
  list.Text("format", &format, "Format of the capture; found by looking if not given.", {.metavar = "NAME"});
  list.Flag("allow-outside", &allow_outside,
            "Also read files outside the capture's folder that it names or links to.");
}

int CheckResult::num_problems() const {
  return static_cast<int>(std::count_if(diagnosis.findings.begin(), diagnosis.findings.end(), IsProblem));
}

std::vector<std::string> CheckResult::Notes() const {
  std::vector<std::string> notes;
  for (const Finding& finding : diagnosis.findings) {
    if (finding.severity == Severity::kNote) notes.push_back(finding.message + ". " + finding.advice);
  }
  if (HasMasks(capture)) notes.push_back("masks: " + MasksInWords(masks));
  notes.insert(notes.end(), capture.warnings.begin(), capture.warnings.end());
  if (!diagnosis.not_judged.empty()) notes.push_back(NotComparedText(capture, diagnosis));
  return notes;
}

std::vector<std::string> CheckResult::Text() const {
  std::vector<std::string> text = {"verdict    " + VerdictText(num_problems(), diagnosis),
                                   "compared   " + ComparedText(capture, diagnosis)};
  for (const Finding& finding : diagnosis.findings) {
    if (!IsProblem(finding)) continue;
    text.push_back("problem    " + finding.message);
    text.push_back("           " + finding.advice);
  }
  for (const std::string& note : Notes()) text.push_back("note       " + note);
  return text;
}

Json CheckResult::ToJson() const {
  Json problems = Json::array();
  for (const Finding& finding : diagnosis.findings) {
    if (IsProblem(finding)) problems.push_back(FindingJson(finding));
  }
  const auto known = [](double value) { return value >= 0 ? Json(value) : Json(nullptr); };
  return {{"capture", capture.path.string()},
          {"format", capture.format},
          {"verdict", num_problems() > 0      ? "problems"
                      : JudgedMost(diagnosis) ? "fine"
                                              : "unknown"},
          {"problems", problems},
          {"notes", Notes()},
          {"compared",
           {{"views", capture.views.size()},
            {"views_judged", diagnosis.num_judged},
            {"views_not_judged", diagnosis.not_judged},
            {"pairs", diagnosis.num_pairs},
            {"agreeing_share", known(diagnosis.agreeing)},
            {"median_error_pixels_of_640", known(diagnosis.median_error)},
            {"parallax_degrees", known(diagnosis.parallax_degrees)}}}};
}

CheckResult RunCheck(const CheckJobOptions& options, const JobControl& control) {
  CheckResult result{.capture = ReadCapture(options.capture, {.format = options.format,
                                                              .allow_outside = options.allow_outside,
                                                              .warnings = WarningLog::kNothing})};
  result.diagnosis = Diagnose(result.capture, control);
  result.masks = LookAtMasks(result.capture);
  return result;
}

}  // namespace semfield
