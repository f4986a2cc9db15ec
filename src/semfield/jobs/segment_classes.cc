#include "semfield/jobs/segment_classes.h"

#include "semfield/image/pixels.h"
#include "semfield/jobs/segment_views.h"
#include "semfield/views/class_picture.h"
#include "semfield/views/run_classes.h"

namespace semfield {
namespace {

// Where the likeliest class is `id`, at the view's own size.
ImageU8 MaskOfClass(const ClassView& seen, int id, const Camera& camera) {
  ImageU8 mask = seen.Ids();
  for (uint8_t& value : mask.data) value = value == id ? 255 : 0;
  return ResizeNearest(mask, camera.width, camera.height);
}

// Mean probability of the class over the pixels of which it is the likeliest.
double Certainty(const ClassView& seen, int id) {
  double sum = 0;
  int64_t pixels = 0;
  for (int64_t p = 0; p < static_cast<int64_t>(seen.voted.seen_by.size()); ++p) {
    if (seen.voted.ClassOf(p) != id) continue;
    sum += seen.voted.probability[p * seen.voted.num_classes + id];
    ++pixels;
  }
  return pixels == 0 ? 0 : sum / static_cast<double>(pixels);
}

}  // namespace

SegmentJobResult SegmentClasses(const SegmentJobOptions& job, const OpenedRun& run,
                                const std::vector<NamedView>& views, const JobControl& control) {
  const RunLock lock(run.folder);
  ClassVoteOptions vote = job.vote;
  vote.model = job.words_model;
  vote.onnxruntime = job.onnxruntime;
  RunClasses classes(run, vote, control);
  const int id = classes.FindClass(job.class_name);
  SegmentJobResult result{.run = job.run};
  result.asked_class = job.class_name;
  MaskFiles files(run, MasksFolder(job, run), job.name, ClassColor(id));
  const auto look = [&](const NamedView& view) {
    const Camera camera = view.index >= 0 ? run.store->CameraOf(view.index) : view.camera;
    const ClassView seen = classes.Look(view, camera, control.stop);
    return SegmentedView{.mask = MaskOfClass(seen, id, view.camera),
                         .answer = {.score = Certainty(seen, id), .granularity = "class"}};
  };
  WriteMasks(views, look, control, &files, &result);
  return result;
}

}  // namespace semfield
