#include <algorithm>
#include <cmath>

#include "semfield/diagnosis/poses.h"

namespace semfield::diagnosis {
namespace {

constexpr double kExplainedShare = 0.55, kMinGain = 0.2;
constexpr size_t kMostToPlace = 60;  // suspects; more are no few photos in each other's places

// A photo is turned about its middle, which need not be the principal point.
Mat3 QuarterTurns(int count, const Camera& camera) {
  const int cosine[] = {1, 0, -1, 0}, sine[] = {0, 1, 0, -1};
  Mat3 turn = Mat3::Identity();
  turn(0, 0) = turn(1, 1) = cosine[count & 3];
  turn(1, 0) = sine[count & 3];
  turn(0, 1) = -sine[count & 3];
  const Vec3 off((camera.cx - 0.5 * camera.width) / camera.fx, (camera.cy - 0.5 * camera.height) / camera.fy,
                 0);
  turn.col(2) += turn * off - off;
  return turn;
}

class SuspectExplainer {
 public:
  SuspectExplainer(const Capture& capture, const Evidence& evidence, const Placements& placements,
                   const std::vector<bool>& suspect)
      : capture_(capture), placements_(placements), evidence_(evidence), pairs_with_others_(suspect.size()) {
    for (const PairEvidence& pair : evidence.pairs) {
      if (!suspect[pair.b]) pairs_with_others_[pair.a].push_back(&pair);
      if (!suspect[pair.a]) pairs_with_others_[pair.b].push_back(&pair);
    }
    for (size_t v = 0; v < suspect.size(); ++v) {
      if (suspect[v]) open_.push_back(static_cast<int>(v));
    }
  }

  Findings Run() {
    for (const int v : open_) given_.push_back(ShareOf(v, placements_[v]));
    if (open_.size() <= kMostToPlace) FindSwaps();
    for (size_t i = 0; i < open_.size(); ++i) {
      if (open_[i] >= 0 && !ExplainOne(open_[i], given_[i])) unexplained_.push_back(i);
    }
    ReportUnexplained();
    return findings_;
  }

 private:
  const std::string& Name(int v) const { return capture_.views[v].name; }

  // How well the matches of `v` with views that are not suspect agree if it were taken so.
  double ShareOf(int v, const Placement& placement) const {
    double sum = 0, weight = 0;
    for (const PairEvidence* pair : pairs_with_others_[v]) {
      const double w = WeightOf(*pair);
      sum += w * ScoreWith(v, placement, *pair).Share();
      weight += w;
    }
    return weight > 0 ? sum / weight : 0;
  }
  PairScore ScoreWith(int v, const Placement& placement, const PairEvidence& pair) const {
    return ScorePair(evidence_, pair, pair.a == v ? placement : placements_[pair.a],
                     pair.b == v ? placement : placements_[pair.b]);
  }
  Placement AtPoseOf(int v, int other) const {
    Placement placement = placements_[v];
    placement.world_from_camera = placements_[other].world_from_camera;
    return placement;
  }
  static bool Explains(double share, double given) {
    return share >= kExplainedShare && share >= given + kMinGain;
  }

  void FindSwaps() {
    for (size_t i = 0; i < open_.size(); ++i) {
      for (size_t k = i + 1; k < open_.size() && open_[i] >= 0; ++k) {
        const int a = open_[i], b = open_[k];
        if (b < 0) continue;
        const double share_a = ShareOf(a, AtPoseOf(a, b)), share_b = ShareOf(b, AtPoseOf(b, a));
        if (!Explains(share_a, given_[i]) || !Explains(share_b, given_[k])) continue;
        Finding finding{.kind = "swapped-views"};
        finding.views = {Name(a), Name(b)};
        finding.message =
            fmt::format("'{}' and '{}' look swapped: each fits the other's pose", Name(a), Name(b));
        finding.advice = "Swap their poses (or names), or leave both out.";
        finding.numbers = {{"agreeing_given", {given_[i], given_[k]}},
                           {"agreeing_mended", {share_a, share_b}}};
        findings_.push_back(std::move(finding));
        open_[i] = open_[k] = -1;
      }
    }
  }

  bool ExplainOne(int v, double given) {
    best_share_ = 0;
    TryTurns(v);
    TryFocals(v);
    if (open_.size() <= kMostToPlace) TryPoses(v);
    if (!Explains(best_share_, given)) return false;
    best_.views = {Name(v)};
    best_.numbers["agreeing_given"] = given;
    best_.numbers["agreeing_mended"] = best_share_;
    findings_.push_back(best_);
    return true;
  }

  // Earlier explanations are simpler: a later one must be clearly better.
  void Consider(int v, const Placement& placement, const Finding& finding) {
    const double share = ShareOf(v, placement);
    if (share <= best_share_ + 0.05) return;
    best_share_ = share;
    best_ = finding;
  }

  void TryTurns(int v) {
    const Camera& camera = capture_.views[v].camera;
    const double ratio = static_cast<double>(camera.width) / camera.height;
    for (int quarters = 1; quarters < 4; ++quarters) {
      for (const double focal : {1.0, ratio, 1 / ratio}) {
        if (focal != 1 && (quarters == 2 || std::abs(std::log(ratio)) < 0.01)) continue;
        Placement placement = placements_[v];
        placement.turn = placement.turn * QuarterTurns(quarters, camera);
        placement.focal *= focal;
        Consider(v, placement,
                 {.kind = "turned-photos",
                  .message = fmt::format("'{}' is turned by {} degrees", Name(v), quarters == 2 ? 180 : 90),
                  .advice = fmt::format("Turn it by {} degrees{}, as the poses expect it.",
                                        quarters == 2 ? 180 : 90,
                                        quarters == 2   ? ""
                                        : quarters == 1 ? " clockwise"
                                                        : " counter-clockwise"),
                  .numbers = {{"clockwise_degrees_to_mend", 90 * quarters}}});
      }
    }
    for (const Vec3& signs : {Vec3(-1, 1, 1), Vec3(1, -1, 1)}) {
      Placement placement = placements_[v];
      placement.turn = placement.turn * signs.asDiagonal();
      // Epipolar lines cannot tell a mirrored photo from camera axes of another convention; where things lie
      // can.
      const bool behind = Behind(v, placement);
      const bool axes = behind && signs.x() < 0;
      if (behind && !axes) continue;
      Consider(v, placement,
               axes ? Finding{.kind = "camera-axes",
                              .message =
                                  fmt::format("the camera axes of '{}' are not those of the others: y and z "
                                              "point the other way (OpenCV against OpenGL)",
                                              Name(v)),
                              .advice = "Negate the second and third column of its camera-to-world matrix."}
                    : Finding{.kind = "mirrored",
                              .message = fmt::format("'{}' is mirrored", Name(v)),
                              .advice = "Mirror it back."});
    }
  }

  bool Behind(int v, const Placement& placement) const {
    int in_front = 0, behind = 0;
    for (const PairEvidence* pair : pairs_with_others_[v]) {
      const PairScore score = ScoreWith(v, placement, *pair);
      in_front += score.in_front;
      behind += score.behind;
    }
    return behind > in_front;
  }

  void TryFocals(int v) {
    for (int k = -14; k <= 14; ++k) {
      if (k == 0) continue;
      Placement placement = placements_[v];
      const double factor = std::pow(1.1, k);
      placement.focal *= factor;
      Consider(v, placement,
               {.kind = "wrong-focal-length",
                .message = fmt::format("the focal length of '{}' looks about {:.1f} times too {}", Name(v),
                                       k < 0 ? 1 / factor : factor, k < 0 ? "long" : "short"),
                .advice = "Check its intrinsics: zoomed, cropped or resized after the poses were made?",
                .numbers = {{"factor", factor}}});
    }
  }

  void TryPoses(int v) {
    for (int other = 0; other < static_cast<int>(placements_.size()); ++other) {
      if (other == v) continue;
      Consider(
          v, AtPoseOf(v, other),
          {.kind = "misplaced-view",
           .message = fmt::format("'{}' does not fit its own pose, but that of '{}'", Name(v), Name(other)),
           .advice = "Give it the right pose, or leave it out.",
           .numbers = {{"fits_pose_of", Name(other)}}});
    }
  }

  void ReportUnexplained() {
    if (unexplained_.empty()) return;
    Finding finding{.kind = "disagreeing-views"};
    Json shares = Json::object();
    for (const size_t i : unexplained_) {
      finding.views.push_back(Name(open_[i]));
      shares[Name(open_[i])] = given_[i];
    }
    finding.message =
        fmt::format("{} disagree{} with the rest: what other photos show of the same things lies elsewhere",
                    NamesInWords(finding.views), finding.views.size() == 1 ? "s" : "");
    finding.advice = "Leave out, or estimate the poses again.";
    finding.numbers = {{"agreeing", shares}};
    findings_.push_back(std::move(finding));
  }

  const Capture& capture_;
  const Placements& placements_;
  const Evidence& evidence_;
  std::vector<std::vector<const PairEvidence*>> pairs_with_others_;  // of each view, with views not suspect
  std::vector<int> open_;                                            // suspects; -1 once explained
  std::vector<double> given_;
  std::vector<size_t> unexplained_;
  Findings findings_;
  double best_share_ = 0;
  Finding best_;
};

}  // namespace

std::string NamesInWords(const std::vector<std::string>& names, size_t shown) {
  std::string text;
  const size_t count = names.size() <= shown + 1 ? names.size() : shown;
  for (size_t i = 0; i < count; ++i) {
    text += fmt::format("{}'{}'", i == 0 ? "" : i + 1 == names.size() ? " and " : ", ", names[i]);
  }
  if (count < names.size()) text += fmt::format(" and {} more", names.size() - count);
  return text;
}

Findings ExplainSuspects(const Capture& capture, const Evidence& evidence, const Placements& placements,
                         const std::vector<bool>& suspect) {
  return SuspectExplainer(capture, evidence, placements, suspect).Run();
}

}  // namespace semfield::diagnosis
