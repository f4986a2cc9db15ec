#pragma once

#include <span>
#include <vector>

#include "semfield/geometry/pose.h"
#include "semfield/surface/surface_map.h"

namespace semfield {

// Which photos of a scene are asked about what a target view shows. Both choices return indices into
// `candidates`, the best first, at most `count`, and are the same for a scene of another scale.

// Those that stand nearest: the least sum of the angle in radians under which the scene's center sees target
// and candidate apart, and of their distance over that of the target from the center. Candidates in whose
// picture the center does not lie come last. center: in the world, what the target looks at.
std::vector<int> NearestSources(std::span<const DepthView> candidates, const Pose& world_from_target,
                                const Vec3& center, int count);

// Those that together see most of `places`: one after another that which adds most, where the n-th source of
// a place adds 1 / n; of equal ones the first. Candidates that see none of them are not chosen. cell_size: as
// DepthView::Sees.
std::vector<int> SeeingSources(std::span<const DepthView> candidates, std::span<const Vec3> places,
                               double cell_size, int count);

}  // namespace semfield
