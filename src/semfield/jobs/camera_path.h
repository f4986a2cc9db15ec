#pragma once

#include <vector>

#include "semfield/run/named_view.h"

namespace semfield {

// Views on a circle around the point the training cameras look at, at their mean height and distance, looking
// inward (or outward when the cameras do). The camera is the first training view's.
std::vector<NamedView> OrbitViews(const Capture& capture, int num_views);

// `per_pair` views between each two neighbours in the name order of the training views.
std::vector<NamedView> PathViews(const Capture& capture, int per_pair);

}  // namespace semfield
