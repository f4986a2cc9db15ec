#include "semfield/jobs/segment_words.h"

#include "semfield/jobs/segment_field_classes.h"
#include "semfield/jobs/segment_views.h"
#include "semfield/objects/object_session.h"
#include "semfield/objects/selection_store.h"
#include "semfield/objects/word_finder.h"

namespace semfield {

SegmentJobResult SegmentWords(const SegmentJobOptions& job, const OpenedRun& run,
                              const std::vector<NamedView>& views, const JobControl& control) {
  if (const auto teacher = TeacherOfWords(job, run))
    return SegmentFieldClasses(job, run, *teacher, views, control);
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
  MaskFiles files(run, MasksFolder(job, run), job.name, found.selection.color);
  const auto look = [&](const NamedView& view) {
    SegmentedView seen{.mask = ImageU8(view.camera.width, view.camera.height, 1),
                       .answer = {.granularity = "object"}};
    if (found.things.empty()) return seen;
    seen.mask =
        MaskOf(found.selection, session.Seen(view, control.stop), view.camera.width, view.camera.height);
    seen.answer.score = found.things.front().fit;
    return seen;
  };
  WriteMasks(views, look, control, &files, &result);
  return result;
}

}  // namespace semfield
