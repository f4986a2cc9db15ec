#pragma once

#include <vector>

#include "semfield/jobs/segment.h"
#include "semfield/run/opened_run.h"

namespace semfield {

// `segment` by words: the masks of all things of the run that a text or a class means; or of all that a field
// shows of it, if there is one that knows words (segment_field_classes.h). Where the run has no things yet,
// all are found first, and are kept.
SegmentJobResult SegmentWords(const SegmentJobOptions& job, const OpenedRun& run,
                              const std::vector<NamedView>& views, const JobControl& control);

}  // namespace semfield
