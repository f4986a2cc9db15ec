#pragma once

#include <vector>

#include "semfield/diagnosis/evidence.h"
#include "semfield/geometry/pose.h"

// Where the views are supposed to be, and how well the matches agree with it.
namespace semfield::diagnosis {

// How one photo is supposed to have been taken.
struct Placement {
  Pose world_from_camera;
  Mat3 turn =
      Mat3::Identity();  // applied to directions in the camera's frame; may mirror, and shift a little
  double focal = 1;      // the focal length, as a factor of what the capture gives
};
using Placements = std::vector<Placement>;

// What the capture says.
Placements GivenPlacements(const Capture& capture);

// A direction of the given camera as the placement has it, unit, in the camera's frame.
Vec3 DirectionIn(const Placement& placement, const Vec3& direction);

constexpr double kAgreeingPixels = 3;  // at the working size

struct PairScore {
  int agreeing = 0;  // matches within kAgreeingPixels of their epipolar lines
  int total = 0;
  int in_front = 0, behind = 0;  // of the agreeing ones that say, where their rays meet
  double Share() const { return total > 0 ? static_cast<double>(agreeing) / total : 0.0; }
};

// A pair counts as many times as it has matches, up to 50, so that a few rich pairs do not decide alone.
double WeightOf(const PairEvidence& pair);

PairScore ScorePair(const Evidence& evidence, const PairEvidence& pair, const Placement& a,
                    const Placement& b);

// Mean share of agreeing matches over pairs of views that are not left out, by WeightOf. -1 when there are no
// such pairs.
double OverallShare(const Evidence& evidence, const Placements& placements,
                    const std::vector<bool>& left_out = {});

// The 24 turns that map axes to axes; the first is none.
std::vector<Mat3> AxisTurns();

}  // namespace semfield::diagnosis
