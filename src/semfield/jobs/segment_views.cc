#include "semfield/jobs/segment_views.h"

#include <utility>

namespace semfield {

void WriteMasks(const std::vector<NamedView>& views,
                const std::function<SegmentedView(const NamedView&)>& look, const JobControl& control,
                MaskFiles* files, SegmentJobResult* result) {
  for (const NamedView& view : views) {
    control.ThrowIfStopped();
    SegmentedView seen = look(view);
    SegmentJobResult::View& answer = seen.answer;
    const MaskFiles::Written written = files->Write(view, seen.mask, answer.clicks);
    answer.name = view.name;
    answer.mask = written.mask;
    answer.overlay = written.overlay;
    answer.area = written.area;
    answer.area_share = written.area_share;
    answer.hidden = written.area == 0;
    result->views.push_back(std::move(answer));
    control.Report({.stage = "segment",
                    .done = static_cast<double>(result->views.size()),
                    .total = static_cast<double>(views.size()),
                    .detail = view.name});
  }
  result->sheet = files->Finish();
  result->numbers = files->numbers().string();
}

std::filesystem::path MasksFolder(const SegmentJobOptions& job, const OpenedRun& run) {
  return job.out.empty() ? run.folder.masks_dir() : std::filesystem::path(job.out);
}

}  // namespace semfield
