#pragma once

#include <utility>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/capture/capture.h"
#include "semfield/diagnosis/keypoints.h"

// What the photos themselves say about how the cameras stand to each other, found without believing the
// poses.
namespace semfield::diagnosis {

// One photo at the working size (longest side at most 640 pixels), and what was found in it.
struct ViewEvidence {
  Camera camera;  // at the working size
  Keypoints keypoints;
  std::vector<Vec3> directions;  // of the keypoints, unit, in the camera's frame
  double brightness = 0;         // mean of used pixels, 0..1
  double clipped_bright = 0;     // share of used pixels with every channel >= 250
  double clipped_dark = 0;       // share with every channel <= 5
  double detail = 0;             // mean of finest over mean of coarser detail, whole image
  double used_share = 1;         // of pixels that mask and alpha keep
};

// Keypoints of two photos that show the same things: they agree with some epipolar geometry, whichever it is.
struct PairEvidence {
  int a = 0, b = 0;                          // views, a < b
  std::vector<std::pair<int, int>> matches;  // keypoint of a, keypoint of b
  int num_candidates = 0;                    // matches by looks alone, of which `matches` are the consistent
};

struct Evidence {
  std::vector<ViewEvidence> views;
  std::vector<PairEvidence> pairs;  // ordered by (a, b); only those with enough consistent matches
  int num_compared = 0;             // pairs looked at
};

// Reads all photos at the working size, finds keypoints and matches each view with neighbours by pose, by
// name and by looks. Deterministic. Reports progress as stage "check"; throws Error for a damaged file.
Evidence GatherEvidence(const Capture& capture, const JobControl& control);

// Keypoints of a and b that are each other's best (nearest descriptor, clearly nearer than any other place).
std::vector<std::pair<int, int>> MatchByLooks(const Keypoints& a, const Keypoints& b, int max_keypoints);

// The matches that agree with the epipolar geometry that most of them agree with, within `tolerance` radians;
// empty when there is none to speak of. No calibration is believed: directions may be off by any linear map.
std::vector<std::pair<int, int>> ConsistentMatches(const std::vector<std::pair<int, int>>& matches,
                                                   const std::vector<Vec3>& directions_a,
                                                   const std::vector<Vec3>& directions_b, double tolerance,
                                                   uint64_t seed);

// How far two directions are from meeting at a point, radians: the larger of their angles to the other's
// epipolar plane. essential = [t]x R of b_from_a.
double EpipolarAngle(const Mat3& essential, const Vec3& direction_a, const Vec3& direction_b);

}  // namespace semfield::diagnosis
