#pragma once

#include <span>
#include <vector>

#include "semfield/geometry/pose.h"

namespace semfield {

struct PoseDifference {
  double degrees = 0;   // between the orientations
  double distance = 0;  // between the camera centres, in the units of `truth`
};

// How far each of `poses` is from its counterpart in `truth` ([n] each, world_from_camera) once what they all
// share is taken out: the orientations after the one turn that fits them best (chordal mean), the centres
// after the similarity that fits them best (Umeyama 1991). Photos cannot tell worlds apart that differ by
// such a motion. Below three poses only the turn is taken out. Unequal lengths: SF_CHECK.
std::vector<PoseDifference> DifferencesAfterAlignment(std::span<const Pose> poses,
                                                      std::span<const Pose> truth);

}  // namespace semfield
