#pragma once

#include <vector>

#include "semfield/jobs/segment.h"
#include "semfield/run/opened_run.h"

namespace semfield {

// Whether a prompt in a view is answered for others by a selection in 3D (objects/object_finder.h); else each
// view is asked for itself, as with a box in a view that was not trained on.
bool IsAnsweredInSpace(const SegmentJobOptions& job, const OpenedRun& run, const NamedView& view,
                       const Prompt& prompt);

// `segment` by a selection: the masks of all views are one thing on the surface, seen by each. views: the
// first is the one that was clicked in.
SegmentJobResult SegmentObject(const SegmentJobOptions& job, const OpenedRun& run,
                               const std::vector<NamedView>& views, const Prompt& prompt,
                               const JobControl& control);

}  // namespace semfield
