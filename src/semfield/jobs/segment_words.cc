#include "semfield/jobs/segment_words.h"

#include "semfield/jobs/mask_files.h"
#include "semfield/objects/object_session.h"
#include "semfield/objects/selection_store.h"
#include "semfield/objects/word_finder.h"

namespace semfield {

SegmentJobResult SegmentWords(const SegmentJobOptions& job, const OpenedRun& run,
                              const std::vector<NamedView>& views, const JobControl& control) {
  const RunLock lock(run.folder);
  ObjectSession session(run, {.teacher = job.teacher, .onnxruntime = job.onnxruntime}, control);
  SelectionStore store(run.folder.selections_dir(), session.SurfaceName());
  WordFinder finder(
      *run.capture, session, store,
      {.naming = {.model = job.words_model, .text_model = job.text_model, .onnxruntime = job.onnxruntime}},
      control);
  const FoundByWords found = job.text.empty() ? finder.FindClass(job.class_name) : finder.FindText(job.text);
  SegmentJobResult result{.run = job.run};
  result.words = WordsOf(job.text.empty() ? job.class_name : job.text, found);
  MaskFiles files(run, job.out.empty() ? run.folder.masks_dir() : std::filesystem::path(job.out), job.name,
                  found.selection.color);
  for (const NamedView& view : views) {
    control.ThrowIfStopped();
    ImageU8 mask(view.camera.width, view.camera.height, 1);
    if (!found.things.empty())
      mask = MaskOf(found.selection, session.Seen(view, control.stop), mask.width, mask.height);
    const MaskFiles::Written written = files.Write(view, mask, {});
    result.views.push_back({.name = view.name,
                            .mask = written.mask,
                            .overlay = written.overlay,
                            .score = found.things.empty() ? 0 : found.things.front().fit,
                            .area = written.area,
                            .area_share = written.area_share,
                            .granularity = "object",
                            .hidden = written.area == 0});
    control.Report({.stage = "segment",
                    .done = static_cast<double>(result.views.size()),
                    .total = static_cast<double>(views.size()),
                    .detail = view.name});
  }
  result.sheet = files.Finish();
  result.numbers = files.numbers().string();
  return result;
}

}  // namespace semfield
