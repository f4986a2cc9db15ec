#include "semfield/diagnosis/poses.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "semfield/base/median.h"
#include "semfield/capture/camera_key.h"

namespace semfield::diagnosis {
namespace {

constexpr double kGoodShare = 0.6;     // of matches that agree, overall: the poses are right in the main
constexpr double kSuspectShare = 0.4;  // below it a view disagrees with the rest
constexpr int kMinMatches = 30;        // of a view with others, to judge it
// Things that repeat (chairs, tiles, a round object) fool single pairs, and those with few matches.
constexpr int kManyMatches = 24, kManyAgreeing = 16, kMinFoes = 2;
constexpr size_t kMaxTracks = 3000;
constexpr int kMinTracksOfView = 25;
constexpr double kFarOffPixels = 5, kFarOffFactor = 4;  // of a view's median track error
constexpr double kMinFocalChange = 0.05, kMinFocalGain = 0.12;
constexpr double kMinParallax = 0.026;  // radians, 1.5 degrees
constexpr int kMinTracks = 60;

// Views by how well their matches with views that are not suspect agree.
struct Standing {
  std::vector<double> share, matches;
  std::vector<int> friends, foes;  // other views whose many matches agree, or do not
  bool Disagrees(size_t v) const {
    return matches[v] >= kMinMatches && share[v] < kSuspectShare && foes[v] >= kMinFoes &&
           foes[v] > 2 * friends[v];
  }
};

Standing StandingOf(const Evidence& evidence, const std::vector<PairScore>& scores,
                    const std::vector<bool>& suspect) {
  const size_t count = evidence.views.size();
  Standing standing{std::vector<double>(count, 0), std::vector<double>(count, 0), std::vector<int>(count, 0),
                    std::vector<int>(count, 0)};
  for (size_t p = 0; p < evidence.pairs.size(); ++p) {
    const PairEvidence& pair = evidence.pairs[p];
    const double weight = WeightOf(pair);
    for (const auto& [view, other] : {std::pair(pair.a, pair.b), std::pair(pair.b, pair.a)}) {
      if (suspect[other]) continue;
      standing.share[view] += weight * scores[p].Share();
      standing.matches[view] += weight;
      standing.friends[view] += scores[p].agreeing >= kManyAgreeing && scores[p].Share() > kGoodShare;
      standing.foes[view] += scores[p].total >= kManyMatches && scores[p].Share() < kSuspectShare;
    }
  }
  for (size_t v = 0; v < count; ++v) {
    if (standing.matches[v] > 0) standing.share[v] /= standing.matches[v];
  }
  return standing;
}

// The view that agrees least is taken out again and again, until all that are left agree.
void FindSuspects(const Evidence& evidence, PoseVerdict* verdict) {
  const size_t count = evidence.views.size();
  verdict->suspect.assign(count, false);
  std::vector<PairScore> scores;
  for (const PairEvidence& pair : evidence.pairs)
    scores.push_back(ScorePair(evidence, pair, verdict->placements[pair.a], verdict->placements[pair.b]));
  Standing standing;
  for (;;) {
    standing = StandingOf(evidence, scores, verdict->suspect);
    int worst = -1;
    for (size_t v = 0; v < count; ++v) {
      if (verdict->suspect[v] || !standing.Disagrees(v)) continue;
      if (worst < 0 || standing.share[v] < standing.share[worst]) worst = static_cast<int>(v);
    }
    if (worst < 0) break;
    verdict->suspect[worst] = true;
  }
  verdict->judged.assign(count, false);
  for (size_t v = 0; v < count; ++v) {
    const bool agrees = standing.matches[v] >= kMinMatches && standing.share[v] >= kSuspectShare;
    verdict->judged[v] = verdict->suspect[v] || agrees;
  }
}

std::vector<std::string> NamesOf(const Capture& capture, const std::vector<bool>& chosen) {
  std::vector<std::string> names;
  for (size_t v = 0; v < chosen.size(); ++v) {
    if (chosen[v]) names.push_back(capture.views[v].name);
  }
  return names;
}

// Cameras that took enough views to say something about; one group of all views when each has its own.
std::vector<std::vector<bool>> CameraGroups(const Capture& capture) {
  std::map<decltype(CameraKey(Camera())), std::vector<bool>> groups;
  for (size_t v = 0; v < capture.views.size(); ++v) {
    auto& group = groups[CameraKey(capture.views[v].camera)];
    group.resize(capture.views.size(), false);
    group[v] = true;
  }
  if (groups.size() > 4) return {std::vector<bool>(capture.views.size(), true)};
  std::vector<std::vector<bool>> result;
  for (const auto& [key, group] : groups) {
    if (std::count(group.begin(), group.end(), true) >= 5) result.push_back(group);
  }
  return result;
}

void CheckFocals(const Capture& capture, const Evidence& evidence, const std::vector<Track>& tracks,
                 PoseVerdict* verdict) {
  const auto groups = CameraGroups(capture);
  for (const auto& group : groups) {
    const FocalFit fit = FitFocal(evidence, verdict->placements, tracks, group);
    if (fit.cost_given < 0 || std::abs(std::log(fit.factor)) < kMinFocalChange ||
        fit.cost_best > (1 - kMinFocalGain) * fit.cost_given)
      continue;
    Finding finding{.kind = "wrong-focal-length"};
    const bool all = groups.size() == 1;
    if (!all) finding.views = NamesOf(capture, group);
    finding.message = fmt::format(
        "the focal length{} looks {:.2f} times too {}: with {:.2f} times it, what several photos show meets "
        "within {:.1f} pixels on average, now within {:.1f}",
        all ? "" : " of one camera", fit.factor < 1 ? 1 / fit.factor : fit.factor,
        fit.factor < 1 ? "long" : "short", fit.factor, fit.cost_best, fit.cost_given);
    finding.advice =
        "Check that the intrinsics were made for these photos: same lens, same zoom, not cropped or resized "
        "since.";
    finding.numbers = {
        {"factor", fit.factor}, {"error_given", fit.cost_given}, {"error_with_factor", fit.cost_best}};
    verdict->findings.push_back(std::move(finding));
    for (size_t v = 0; v < group.size(); ++v) {
      if (group[v]) verdict->placements[v].focal *= fit.factor;
    }
  }
}

// Views whose keypoints miss the points that the other views triangulate: small errors, and those along
// epipolar lines, which pairs cannot see.
void FindFarOff(const Evidence& evidence, const std::vector<Track>& tracks, PoseVerdict* verdict) {
  const std::vector<double> errors =
      LeaveOneOutErrors(evidence, verdict->placements, tracks, kMinTracksOfView);
  std::vector<double> known;
  for (const double error : errors) {
    if (error >= 0) known.push_back(error);
  }
  if (known.size() < 4) return;
  const double limit = std::max(kFarOffPixels, kFarOffFactor * Median(std::move(known)));
  for (size_t v = 0; v < errors.size(); ++v) {
    if (errors[v] > limit) verdict->suspect[v] = true;
  }
}

bool HardlyMoves(const TrackErrors& errors) {
  return errors.parallax >= 0 && errors.parallax < kMinParallax;
}

void CheckParallax(PoseVerdict* verdict) {
  const TrackErrors& errors = verdict->errors;
  if (!HardlyMoves(errors)) return;
  Finding finding{.kind = "missing-baseline"};
  finding.message = fmt::format(
      "the camera hardly moves against what it sees: a point is seen from directions that differ by {:.2g} "
      "degrees at most (median)",
      errors.parallax * 57.29578);
  finding.advice = "Depth cannot be learnt so. Walk around the scene instead of turning on the spot.";
  finding.numbers = {{"median_widest_angle_degrees", errors.parallax * 57.29578}};
  verdict->findings.push_back(std::move(finding));
}

}  // namespace

PoseVerdict JudgePoses(const Capture& capture, const Evidence& evidence) {
  PoseVerdict verdict;
  verdict.placements = GivenPlacements(capture);
  verdict.agreeing = OverallShare(evidence, verdict.placements);
  verdict.suspect.assign(capture.views.size(), false);
  verdict.judged = verdict.suspect;
  if (verdict.agreeing < 0) return verdict;
  Finding finding;
  const bool explained = ExplainAll(capture, evidence, verdict.agreeing, &verdict.placements, &finding);
  if (explained) verdict.findings.push_back(finding);
  FindSuspects(evidence, &verdict);
  const auto count = [&] { return std::count(verdict.suspect.begin(), verdict.suspect.end(), true); };
  if (2 * count() > static_cast<int>(capture.views.size())) {
    if (!explained) {
      verdict.findings.push_back(
          {.kind = "poses-disagree",
           .message =
               fmt::format("poses and photos disagree: only {:.0f} % of what two photos both show lies "
                           "where the poses say",
                           100 * verdict.agreeing),
           .advice = "Poses, intrinsics or the order of the photos are wrong, in a way not recognised. Make "
                     "the poses again "
                     "from these very photos.",
           .numbers = {{"agreeing", verdict.agreeing}}});
    }
    return verdict;
  }
  const std::vector<Track> tracks = BuildTracks(evidence, verdict.suspect, kMaxTracks);
  if (static_cast<int>(tracks.size()) >= kMinTracks) {
    // Without depth a focal length that is off is made up for by points that are nearer or farther.
    if (!HardlyMoves(MeasureTracks(evidence, verdict.placements, tracks)))
      CheckFocals(capture, evidence, tracks, &verdict);
    FindFarOff(evidence, tracks, &verdict);
  }
  verdict.errors =
      MeasureTracks(evidence, verdict.placements, BuildTracks(evidence, verdict.suspect, kMaxTracks));
  CheckParallax(&verdict);
  Findings loops = CheckLoops(capture, evidence, verdict.placements, verdict.suspect);
  verdict.findings.insert(verdict.findings.end(), loops.begin(), loops.end());
  Findings suspects = ExplainSuspects(capture, evidence, verdict.placements, verdict.suspect);
  verdict.findings.insert(verdict.findings.end(), suspects.begin(), suspects.end());
  return verdict;
}

}  // namespace semfield::diagnosis
