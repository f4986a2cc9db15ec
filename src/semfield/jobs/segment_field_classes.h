#pragma once

#include <optional>
#include <string>
#include <vector>

#include "semfield/jobs/segment.h"
#include "semfield/run/opened_run.h"

namespace semfield {

// The teacher whose rendered maps answer words in this run: the one that is asked for, if it is of kind
// "dense"; or, where that one was never imitated, the first dense one that was. Nothing: things answer.
std::optional<std::string> TeacherOfWords(const SegmentJobOptions& job, const OpenedRun& run);

// `segment` by words from a field that knows classes: in every view the pixels whose likeliest classes are
// meant.
SegmentJobResult SegmentFieldClasses(const SegmentJobOptions& job, const OpenedRun& run,
                                     const std::string& teacher, const std::vector<NamedView>& views,
                                     const JobControl& control);

}  // namespace semfield
