#include "semfield/jobs/segment_object.h"

#include <fmt/format.h>

#include <algorithm>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/stopwatch.h"
#include "semfield/jobs/mask_truth.h"
#include "semfield/jobs/segment_views.h"
#include "semfield/objects/object_session.h"

namespace semfield {
namespace {

// The clicks that lie on something; the first positive one must.
std::vector<SelectionClick> PlacedClicks(const ObjectSession& session, const NamedView& view,
                                         const Prompt& prompt) {
  std::vector<SelectionClick> clicks;
  for (const PromptPoint& point : prompt.points) {
    try {
      clicks.push_back(session.Kept(session.Place(view, point)));
    } catch (const Error& error) {
      if (point.positive) throw;
      LogWarning("{}: it is left out", error.what());
    }
  }
  // A selection begins with what it is.
  std::stable_partition(clicks.begin(), clicks.end(), [](const SelectionClick& c) { return c.positive; });
  return clicks;
}

// Clicks of the prompt's view in the pixels of another, where that sees them.
std::vector<PromptPoint> ClicksSeen(const ObjectSession& session, const std::vector<SelectionClick>& clicks,
                                    const SurfaceView& seen, const Camera& camera) {
  std::vector<PromptPoint> points;
  for (const SelectionClick& click : clicks) {
    const SurfaceView& from = session.map().views()[session.map().Find(click.view)];
    const Camera& own = session.CameraOf(click.view);
    const auto point =
        from.PointAt({click.x * from.depth.width / own.width, click.y * from.depth.height / own.height});
    if (!point || !seen.Sees(*point, session.map().cell_size())) continue;
    const Vec2 at = seen.Project(*point)->pixel;
    points.push_back({.x = at.x() * camera.width / seen.depth.width,
                      .y = at.y() * camera.height / seen.depth.height,
                      .positive = click.positive});
  }
  return points;
}

Selection Prompted(const ObjectSession& session, const SegmentJobOptions& job, const NamedView& view,
                   const Prompt& prompt) {
  Selection selection{
      .name = job.name, .clicks = PlacedClicks(session, view, prompt), .box = {}, .weight = {}, .looked = {}};
  if (job.granularity != "auto") selection.nesting = ParseNesting(job.granularity);
  if (prompt.boxes.empty()) return selection;
  session.PaintedView(view);  // says what is wrong with it
  selection.box = SelectionBox{.view = view.index, .box = prompt.boxes.front()};
  return selection;
}

// Of a run whose photos are elsewhere, the imitated features answer alone.
bool AsksPhotos(const SegmentJobOptions& job, const OpenedRun& run) {
  const std::vector<int>& train = run.capture->train;
  if (!job.refine || WithPhotos(*run.capture, train).size() == train.size()) return job.refine;
  LogInfo("photos are missing: the imitated features answer alone");
  return false;
}

}  // namespace

bool IsAnsweredInSpace(const SegmentJobOptions& job, const OpenedRun& run, const NamedView& view,
                       const Prompt& prompt) {
  if (job.per_view || job.teacher_direct) return false;
  const std::vector<int>& train = run.capture->train;
  const bool is_trained_on = std::find(train.begin(), train.end(), view.index) != train.end();
  if (!prompt.boxes.empty() && !is_trained_on) return false;
  if (job.granularity == "object" || job.granularity == "group") return true;
  return !job.views.empty() && (job.granularity == "auto" || job.granularity == "part");
}

SegmentJobResult SegmentObject(const SegmentJobOptions& job, const OpenedRun& run,
                               const std::vector<NamedView>& views, const Prompt& prompt,
                               const JobControl& control) {
  ObjectSession session(run, {.teacher = job.teacher, .onnxruntime = job.onnxruntime}, control);
  Selection selection = Prompted(session, job, views.front(), prompt);
  const ObjectSession::Answer answer = session.Find(
      AsksPhotos(job, run) ? ObjectSession::Answerer::kPhotos : ObjectSession::Answerer::kFeatures, selection,
      nullptr, control);
  TakeFound(answer.found, &selection);
  MaskFiles files(run, MasksFolder(job, run), job.name, selection.color);
  const MaskTruth truth(run, views.front(), prompt);
  SegmentJobResult result{.run = job.run};
  const auto look = [&](const NamedView& view) {
    const Stopwatch stopwatch;
    const SurfaceView seen = session.Seen(view, control.stop);
    const bool is_first = &view == &views.front();
    SegmentedView shown{
        .mask = MaskOf(selection, seen, view.camera.width, view.camera.height),
        .answer = {
            .score = answer.found.agreement,
            .granularity = NestingName(answer.found.nesting),
            .clicks = is_first ? prompt.points : ClicksSeen(session, selection.clicks, seen, view.camera),
            .milliseconds = {{"map", stopwatch.Milliseconds()}}}};
    if (is_first) shown.answer.milliseconds.insert(answer.milliseconds.begin(), answer.milliseconds.end());
    if (!job.truth) return shown;
    if (const auto score = truth.Compare(view, shown.mask)) {
      shown.answer.truth_iou = score->iou;
      shown.answer.truth = score->name;
    }
    return shown;
  };
  WriteMasks(views, look, control, &files, &result);
  return result;
}

}  // namespace semfield
