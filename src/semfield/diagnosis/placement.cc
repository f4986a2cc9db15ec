#include "semfield/diagnosis/placement.h"

#include <algorithm>
#include <cmath>

#include <Eigen/Dense>

namespace semfield::diagnosis {
namespace {

constexpr int kMostOfPair = 50;
constexpr double kMinParallax = 0.02;  // radians, for which side of the cameras two rays meet on

Mat3 Cross(const Vec3& t) {
  Mat3 m;
  m << 0, -t.z(), t.y(), t.z(), 0, -t.x(), -t.y(), t.x(), 0;
  return m;
}

// Distances along two rays (second frame: origin; first: `origin` and `direction`) to where they come
// nearest.
bool MeetInFront(const Vec3& origin, const Vec3& direction_a, const Vec3& direction_b, bool* in_front) {
  const double cosine = direction_a.dot(direction_b);
  const double determinant = 1 - cosine * cosine;
  if (determinant < kMinParallax * kMinParallax) return false;
  const double along_a = (cosine * origin.dot(direction_b) - origin.dot(direction_a)) / determinant;
  const double along_b = (origin.dot(direction_b) - cosine * origin.dot(direction_a)) / determinant;
  if ((along_a > 0) != (along_b > 0)) return false;
  *in_front = along_a > 0;
  return true;
}

}  // namespace

Placements GivenPlacements(const Capture& capture) {
  Placements placements;
  for (const View& view : capture.views) placements.push_back({.world_from_camera = view.world_from_camera});
  return placements;
}

Vec3 DirectionIn(const Placement& placement, const Vec3& direction) {
  const Vec3 scaled(direction.x() / placement.focal, direction.y() / placement.focal, direction.z());
  return (placement.turn * scaled).normalized();
}

double WeightOf(const PairEvidence& pair) {
  return std::min<double>(kMostOfPair, static_cast<double>(pair.matches.size()));
}

PairScore ScorePair(const Evidence& evidence, const PairEvidence& pair, const Placement& a,
                    const Placement& b) {
  const ViewEvidence &view_a = evidence.views[pair.a], &view_b = evidence.views[pair.b];
  const Pose b_from_a = b.world_from_camera.Inverse() * a.world_from_camera;
  const double baseline = b_from_a.translation.norm();
  const bool moved = baseline > 1e-12 * (1 + a.world_from_camera.translation.norm());
  const Mat3 essential =
      moved ? Mat3(Cross(b_from_a.translation / baseline) * b_from_a.rotation) : Mat3::Zero();
  const double focal = 0.5 * (view_a.camera.fx * a.focal + view_b.camera.fx * b.focal);
  PairScore score;
  score.total = static_cast<int>(pair.matches.size());
  for (const auto& [i, j] : pair.matches) {
    const Vec3 in_a = DirectionIn(a, view_a.directions[i]), in_b = DirectionIn(b, view_b.directions[j]);
    const Vec3 turned = b_from_a.rotation * in_a;
    const double angle =
        moved ? EpipolarAngle(essential, in_a, in_b) : std::acos(std::clamp(turned.dot(in_b), -1.0, 1.0));
    if (angle * focal > kAgreeingPixels) continue;
    ++score.agreeing;
    bool in_front = true;
    if (moved && MeetInFront(b_from_a.translation, turned, in_b, &in_front))
      ++(in_front ? score.in_front : score.behind);
  }
  return score;
}

double OverallShare(const Evidence& evidence, const Placements& placements,
                    const std::vector<bool>& left_out) {
  double sum = 0, weight = 0;
  for (const PairEvidence& pair : evidence.pairs) {
    if (!left_out.empty() && (left_out[pair.a] || left_out[pair.b])) continue;
    const double w = WeightOf(pair);
    sum += w * ScorePair(evidence, pair, placements[pair.a], placements[pair.b]).Share();
    weight += w;
  }
  return weight > 0 ? sum / weight : -1;
}

std::vector<Mat3> AxisTurns() {
  std::vector<Mat3> turns{Mat3::Identity()};
  for (int x = 0; x < 3; ++x) {
    for (int y = 0; y < 3; ++y) {
      if (y == x) continue;
      for (const double sign_x : {1.0, -1.0}) {
        for (const double sign_y : {1.0, -1.0}) {
          Mat3 turn;
          turn.col(0) = sign_x * Vec3::Unit(x);
          turn.col(1) = sign_y * Vec3::Unit(y);
          turn.col(2) = turn.col(0).cross(turn.col(1));
          if (!turn.isApprox(Mat3::Identity())) turns.push_back(turn);
        }
      }
    }
  }
  return turns;
}

}  // namespace semfield::diagnosis
