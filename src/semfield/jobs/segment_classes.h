#pragma once

#include <vector>

#include "semfield/jobs/segment.h"
#include "semfield/run/opened_run.h"

namespace semfield {

// Masks of a class by a vote of photos on every pixel (job.vote), and no thing of the run.
SegmentJobResult SegmentClasses(const SegmentJobOptions& job, const OpenedRun& run,
                                const std::vector<NamedView>& views, const JobControl& control);

}  // namespace semfield
