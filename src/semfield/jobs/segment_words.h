#pragma once

#include <vector>

#include "semfield/jobs/segment.h"
#include "semfield/run/opened_run.h"

namespace semfield {

// `segment` by words: the masks of all things of the run that a text or a class means. Where the run has no
// things yet, all are found first, and are kept.
SegmentJobResult SegmentWords(const SegmentJobOptions& job, const OpenedRun& run,
                              const std::vector<NamedView>& views, const JobControl& control);

}  // namespace semfield
