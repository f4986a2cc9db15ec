#pragma once

#include <functional>
#include <vector>

#include "semfield/jobs/mask_files.h"
#include "semfield/jobs/segment.h"

namespace semfield {

// What one view shows of the thing that was asked for.
struct SegmentedView {
  ImageU8 mask;                        // of the view's size, 255 inside
  SegmentJobResult::View answer = {};  // without what WriteMasks fills in: name, files, areas, hidden
};

// Looks at every view, writes its mask with the answer's clicks drawn, and puts the answers, the sheet and
// the place of the numbers into `result`. Asked to stop: InterruptedError between views.
void WriteMasks(const std::vector<NamedView>& views,
                const std::function<SegmentedView(const NamedView&)>& look, const JobControl& control,
                MaskFiles* files, SegmentJobResult* result);

// Where a job's masks go.
std::filesystem::path MasksFolder(const SegmentJobOptions& job, const OpenedRun& run);

}  // namespace semfield
