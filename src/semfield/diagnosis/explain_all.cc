#include <algorithm>
#include <cmath>

#include "semfield/diagnosis/poses.h"

namespace semfield::diagnosis {
namespace {

constexpr double kGoodShare = 0.6, kExplainedShare = 0.5, kMinGain = 0.2;
constexpr double kRightAngle = 1.5707963267948966;

// Whether the format's files hold OpenGL's camera axes (x right, y up, z back).
bool IsOpenGl(const Capture& capture) {
  return capture.format == "transforms" || capture.format == "polycam" || capture.format == "record3d";
}

std::string AxisName(const Vec3& axis) {
  for (int k = 0; k < 3; ++k) {
    if (std::abs(axis[k]) > 0.5) return fmt::format("{}{}", axis[k] > 0 ? '+' : '-', "xyz"[k]);
  }
  return "?";
}

Finding AxesFinding(const Capture& capture, const Mat3& turn) {
  const char *opencv = "OpenCV's (x right, y down, z forward)", *opengl = "OpenGL's (x right, y up, z back)";
  const bool gl = IsOpenGl(capture);
  Finding finding{.kind = "camera-axes"};
  if (turn.isApprox(Mat3(Vec3(1, -1, -1).asDiagonal()))) {
    finding.message = fmt::format("the camera axes look like {}, but a capture of format '{}' has {}",
                                  gl ? opencv : opengl, capture.format, gl ? opengl : opencv);
    finding.advice = "Negate the second and third column of every camera-to-world matrix.";
    finding.numbers = {{"axes", gl ? "opencv" : "opengl"}};
    return finding;
  }
  if (turn.col(2).z() > 0.5) {  // about the optical axis
    const double quarter = std::atan2(turn(1, 0), turn(0, 0)) / kRightAngle;
    const int degrees = (static_cast<int>(std::lround(quarter)) * 90 + 360) % 360;
    finding.kind = "turned-photos";
    finding.message =
        fmt::format("all photos are turned by {} degrees against their poses", degrees == 270 ? 90 : degrees);
    finding.advice = degrees == 180
                         ? "Turn them by 180 degrees, or export the poses for upright photos."
                         : fmt::format("Turn them by 90 degrees {}, or export the poses for upright photos.",
                                       degrees == 90 ? "clockwise" : "counter-clockwise");
    finding.numbers = {{"clockwise_degrees_to_mend", degrees}};
    return finding;
  }
  const Mat3 in_file = (gl ? Mat3(Vec3(1, -1, -1).asDiagonal()) : Mat3::Identity()) * turn;
  finding.message = fmt::format(
      "the camera axes are not those of format '{}': what the photos show agrees when the camera's right, "
      "down "
      "and forward are the matrix columns {}, {} and {}",
      capture.format, AxisName(in_file.col(0)), AxisName(in_file.col(1)), AxisName(in_file.col(2)));
  finding.advice =
      fmt::format("Reorder the columns of every camera-to-world matrix to {}.", gl ? opengl : opencv);
  return finding;
}

Finding MirrorFinding(const Mat3& turn) {
  Finding finding{.kind = "mirrored"};
  if (turn.isApprox(-Mat3::Identity())) {
    finding.message = "what the photos show lies behind the cameras: the poses are of a mirrored world";
    finding.advice =
        "Check the handedness of the world's axes; an axis of the camera positions may be negated.";
  } else {
    finding.message = "all photos are mirrored against their poses";
    finding.advice = "Mirror them back (selfie cameras and some viewers mirror), or make the poses again.";
  }
  return finding;
}

struct Hypothesis {
  Placements placements;
  Finding finding = {};
};

// Of two turns that differ in sign, which epipolar lines cannot tell apart, the one that puts what is seen in
// front of the cameras.
bool MostlyBehind(const Evidence& evidence, const Placements& placements) {
  int in_front = 0, behind = 0;
  for (const PairEvidence& pair : evidence.pairs) {
    const PairScore score = ScorePair(evidence, pair, placements[pair.a], placements[pair.b]);
    in_front += score.in_front;
    behind += score.behind;
  }
  return behind > 50 && behind > 3 * in_front;
}

void TryAxes(const Capture& capture, std::vector<Hypothesis>* list) {
  for (const bool inverse : {false, true}) {
    for (const Mat3& turn : AxisTurns()) {
      Hypothesis h{.placements = GivenPlacements(capture)};
      for (Placement& placement : h.placements) {
        if (inverse) placement.world_from_camera = placement.world_from_camera.Inverse();
        placement.turn = turn;
      }
      if (inverse) {
        h.finding = {
            .kind = "inverse-poses",
            .message = "the matrices look like camera-from-world (view matrices), not camera-to-world",
            .advice = "Invert every matrix before writing it."};
      } else {
        h.finding = AxesFinding(capture, turn);
      }
      list->push_back(std::move(h));
    }
  }
}

void TryOrders(const Capture& capture, std::vector<Hypothesis>* list) {
  const Placements given = GivenPlacements(capture);
  const int count = static_cast<int>(given.size());
  for (const int shift : {1, -1, 2, -2, 3, -3}) {
    Hypothesis h{.placements = given};
    for (int i = 0; i < count; ++i) h.placements[i] = given[((i + shift) % count + count) % count];
    h.finding = {.kind = "shifted-poses",
                 .message = fmt::format(
                     "each photo fits the pose of the photo {} place{} {} it in name order", std::abs(shift),
                     std::abs(shift) == 1 ? "" : "s", shift > 0 ? "after" : "before"),
                 .advice =
                     "Photos and poses are out of step: look for a photo too many or one missing, and for "
                     "names that sort otherwise than the poses were written.",
                 .numbers = {{"shift", shift}}};
    list->push_back(std::move(h));
  }
  Hypothesis reversed{.placements = {given.rbegin(), given.rend()}};
  reversed.finding = {.kind = "shifted-poses",
                      .message = "the poses fit the photos in reverse order",
                      .advice = "Write poses and photos in the same order."};
  list->push_back(std::move(reversed));
}

Placements WithFocal(Placements placements, double factor) {
  for (Placement& placement : placements) placement.focal *= factor;
  return placements;
}

Hypothesis BestFocal(const Capture& capture, const Evidence& evidence) {
  const Placements given = GivenPlacements(capture);
  double best = 1, best_share = -1;
  const auto look = [&](double factor) {
    const double share = OverallShare(evidence, WithFocal(given, factor));
    if (share > best_share + 1e-9) {
      best_share = share;
      best = factor;
    }
  };
  for (int k = -14; k <= 14; ++k) look(std::pow(1.1, k));
  const double coarse = best;
  for (int k = -4; k <= 4; ++k) look(coarse * std::pow(1.02, k));
  Hypothesis h{.placements = WithFocal(given, best)};
  h.finding = {
      .kind = "wrong-focal-length",
      .message = fmt::format("the focal length looks {:.2f} times too {}", best < 1 ? 1 / best : best,
                             best < 1 ? "long" : "short"),
      .advice =
          "Check that the intrinsics were made for these photos: same lens, same zoom, not cropped or "
          "resized since.",
      .numbers = {{"factor", best}}};
  return h;
}

}  // namespace

bool ExplainAll(const Capture& capture, const Evidence& evidence, double given_share, Placements* placements,
                Finding* finding) {
  if (given_share >= kGoodShare) {
    if (!MostlyBehind(evidence, *placements)) return false;
    for (Placement& placement : *placements) placement.turn = -placement.turn;
    *finding = MirrorFinding(placements->front().turn);
    return true;
  }
  std::vector<Hypothesis> hypotheses;
  TryAxes(capture, &hypotheses);
  TryOrders(capture, &hypotheses);
  hypotheses.push_back(BestFocal(capture, evidence));
  const Hypothesis* best = nullptr;
  double best_share = std::max(kExplainedShare, given_share + kMinGain);
  for (const Hypothesis& h : hypotheses) {
    const double share = OverallShare(evidence, h.placements);
    if (share > best_share + 0.02) {
      best = &h;
      best_share = share;
    }
  }
  if (best == nullptr) return false;
  *placements = best->placements;
  *finding = best->finding;
  if (MostlyBehind(evidence, *placements)) {
    for (Placement& placement : *placements) placement.turn = -placement.turn;
    *finding = MirrorFinding(placements->front().turn);
  }
  finding->message += fmt::format(" ({:.0f} % of what two photos both show agrees then, now {:.0f} %)",
                                  100 * best_share, 100 * given_share);
  finding->numbers["agreeing_given"] = given_share;
  finding->numbers["agreeing_mended"] = best_share;
  return true;
}

FocalFit FitFocal(const Evidence& evidence, const Placements& placements, const std::vector<Track>& tracks,
                  const std::vector<bool>& views) {
  FocalFit fit;
  fit.cost_given = MeasureTracks(evidence, placements, tracks).cost;
  fit.cost_best = fit.cost_given;
  const auto look = [&](double factor) {
    Placements changed = placements;
    for (size_t v = 0; v < views.size(); ++v) {
      if (views[v]) changed[v].focal *= factor;
    }
    const double cost = MeasureTracks(evidence, changed, tracks).cost;
    if (cost >= 0 && cost < fit.cost_best) {
      fit.cost_best = cost;
      fit.factor = factor;
    }
  };
  for (int k = -14; k <= 14; ++k) look(std::pow(1.05, k));
  const double coarse = fit.factor;
  for (int k = -4; k <= 4; ++k) look(coarse * std::pow(1.01, k));
  return fit;
}

}  // namespace semfield::diagnosis
