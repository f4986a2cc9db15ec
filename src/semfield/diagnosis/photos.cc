#include "semfield/diagnosis/photos.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "semfield/base/hash.h"
#include "semfield/base/median.h"
#include "semfield/base/parallel.h"

namespace semfield::diagnosis {
namespace {

// Of detail, against what the neighbours show of the same things: less than usual, and too little.
constexpr double kSoftRatio = 0.62, kBlurRatio = 0.5;
constexpr double kFlatRatio = 0.5;  // of detail of a photo without matches, against all photos
constexpr int kMinNeighbors = 2;
constexpr int kMinPointsOfPair = 10;
constexpr double kMoreClipped = 0.2;  // share of pixels, beyond what all photos have
constexpr double kMaxExposureRatio = 1.6;
constexpr double kSamePixels = 0.35;  // median shift between near-duplicates, pixels at the working size
constexpr double kSameShare = 0.5;    // of keypoints that are found again

// log(sharpness of a / sharpness of b) of the things both show; false when too few tell.
bool CompareSharpness(const Evidence& evidence, const PairEvidence& pair, double* log_ratio) {
  std::vector<double> ratios;
  for (const auto& [i, j] : pair.matches) {
    const Keypoint &a = evidence.views[pair.a].keypoints.points[i],
                   &b = evidence.views[pair.b].keypoints.points[j];
    if (!(a.sharpness > 0 && b.sharpness > 0)) continue;
    // Nearer photos show the same things larger, hence with less detail a pixel.
    const double zoom = std::log(a.scale / b.scale);
    if (std::abs(zoom) > 0.35) continue;
    ratios.push_back(std::log(a.sharpness / b.sharpness));
  }
  if (static_cast<int>(ratios.size()) < kMinPointsOfPair) return false;
  *log_ratio = Median(std::move(ratios));
  return true;
}

}  // namespace

Findings CheckBlur(const Capture& capture, const Evidence& evidence) {
  const size_t count = capture.views.size();
  std::vector<std::vector<double>> against(count);
  for (const PairEvidence& pair : evidence.pairs) {
    double ratio = 0;
    if (!CompareSharpness(evidence, pair, &ratio)) continue;
    against[pair.a].push_back(ratio);
    against[pair.b].push_back(-ratio);
  }
  std::vector<double> details;
  for (const ViewEvidence& view : evidence.views) details.push_back(view.detail);
  const double usual = Median(details);
  Findings findings;
  for (size_t v = 0; v < count; ++v) {
    const bool compared = static_cast<int>(against[v].size()) >= kMinNeighbors;
    const double ratio = compared ? std::exp(Median(against[v])) : details[v] / std::max(usual, 1e-9);
    if (ratio >= (compared ? kSoftRatio : kFlatRatio) || (!compared && details[v] >= 0.9 * usual)) continue;
    // Where nothing matches, few keypoints are the second witness.
    if (!compared && evidence.views[v].keypoints.points.size() > 300) continue;
    const bool soft = ratio >= kBlurRatio;
    findings.push_back(
        {.severity = soft ? Severity::kNote : Severity::kProblem,
         .kind = "blurred-photo",
         .message = fmt::format("'{}' is {}blurred: it shows {:.0f} % of the fine detail that {} of it",
                                capture.views[v].name, soft ? "a little " : "", 100 * ratio,
                                compared ? "its neighbours show" : "photos of this capture usually show"),
         .advice = soft ? "Leave it out if others show the same." : "Leave it out; it blurs the scene.",
         .views = {capture.views[v].name},
         .numbers = {{"detail_ratio", ratio}}});
  }
  return findings;
}

Findings CheckExposure(const Capture& capture, const Evidence& evidence) {
  std::vector<double> bright, dark, brightness;
  for (const ViewEvidence& view : evidence.views) {
    bright.push_back(view.clipped_bright);
    dark.push_back(view.clipped_dark);
    brightness.push_back(view.brightness);
  }
  const double usual_bright = Median(bright), usual_dark = Median(dark), usual = Median(brightness);
  Findings findings;
  const auto add = [&](size_t v, bool over, double share) {
    const std::string& name = capture.views[v].name;
    findings.push_back(
        {.kind = over ? "over-exposed-photo" : "under-exposed-photo",
         .message = fmt::format("'{}' is {}-exposed: {:.0f} % of its pixels are plain {}, usual are "
                                "{:.0f} %",
                                name, over ? "over" : "under", 100 * share, over ? "white" : "black",
                                100 * (over ? usual_bright : usual_dark)),
         .advice = "Leave it out, or shoot with fixed exposure; what is clipped is lost.",
         .views = {name},
         .numbers = {{"clipped_share", share}, {"brightness", brightness[v]}}});
  };
  for (size_t v = 0; v < capture.views.size(); ++v) {
    // Clipped pixels alone are a white wall or a window; the photo as a whole must be off as well.
    if (bright[v] > usual_bright + kMoreClipped && brightness[v] > 1.25 * usual) add(v, true, bright[v]);
    if (dark[v] > usual_dark + kMoreClipped && brightness[v] < 0.6 * usual) add(v, false, dark[v]);
  }
  return findings;
}

namespace {

// Photos in groups of equal bytes, each group with two or more.
std::vector<std::vector<int>> EqualFiles(const Capture& capture) {
  std::map<uintmax_t, std::vector<int>> by_size;
  for (size_t v = 0; v < capture.views.size(); ++v) {
    std::error_code error;
    by_size[std::filesystem::file_size(capture.views[v].image, error)].push_back(static_cast<int>(v));
  }
  std::vector<std::vector<int>> groups;
  for (const auto& entry : by_size) {
    const std::vector<int>& views = entry.second;  // clang 14 captures no structured bindings
    if (views.size() < 2) continue;
    std::vector<std::string> hashes(views.size());
    ParallelFor(static_cast<int64_t>(views.size()),
                [&](int64_t i, int) { hashes[i] = Sha256File(capture.views[views[i]].image); });
    std::map<std::string, std::vector<int>> by_hash;
    for (size_t i = 0; i < views.size(); ++i) by_hash[hashes[i]].push_back(views[i]);
    for (auto& [hash, same] : by_hash) {
      if (same.size() > 1) groups.push_back(std::move(same));
    }
  }
  std::sort(groups.begin(), groups.end());
  return groups;
}

// The median distance between where two photos show the same things, if they show mostly the same.
bool ShowTheSamePixels(const Evidence& evidence, const PairEvidence& pair) {
  const Keypoints &a = evidence.views[pair.a].keypoints, &b = evidence.views[pair.b].keypoints;
  if (pair.matches.size() < kSameShare * std::min(a.points.size(), b.points.size())) return false;
  std::vector<double> shifts;
  for (const auto& [i, j] : pair.matches)
    shifts.push_back(std::hypot(a.points[i].x - b.points[j].x, a.points[i].y - b.points[j].y));
  return Median(std::move(shifts)) < kSamePixels;
}

}  // namespace

Findings CheckDuplicates(const Capture& capture, const Evidence& evidence) {
  Findings findings;
  std::map<std::pair<int, int>, bool> named;
  for (const std::vector<int>& group : EqualFiles(capture)) {
    Finding finding{.kind = "duplicate-photos"};
    for (const int v : group) finding.views.push_back(capture.views[v].name);
    finding.message =
        fmt::format("{} are the same file under {} names", NamesInWords(finding.views), group.size());
    finding.advice = "Keep one of them, with the pose that is its own.";
    findings.push_back(std::move(finding));
    for (const int a : group) {
      for (const int b : group) named[{a, b}] = true;
    }
  }
  for (const PairEvidence& pair : evidence.pairs) {
    if (named.count({pair.a, pair.b}) > 0 || !ShowTheSamePixels(evidence, pair)) continue;
    Finding finding{.kind = "duplicate-photos"};
    finding.views = {capture.views[pair.a].name, capture.views[pair.b].name};
    finding.message =
        fmt::format("{} show the same from the same place, pixel for pixel", NamesInWords(finding.views));
    finding.advice = "Keep one of them: if one is held out, scores will be too good.";
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace semfield::diagnosis
