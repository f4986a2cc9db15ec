#include "semfield/evaluation/objects_beside.h"

#include <algorithm>
#include <optional>

namespace semfield {
namespace {

constexpr double kDepthTolerance = 0.02;  // with which `segment --per-view` carries a click

SeenView SeenOf(const OpenedRun& run, int view) {
  const View& photo = run.capture->views[view];
  return {.camera = photo.camera, .world_from_camera = photo.world_from_camera};
}

// IoU of the teacher's own choice, and of the best of its answers.
std::pair<double, double> TeacherIou(const OpenedRun& run, const LabelledThing& thing, int view,
                                     ObjectSession* session, const ImageU16& ids, const StopToken* stop) {
  const Camera& camera = run.capture->views[view].camera;
  ImageU8 truth(ids.width, ids.height, 1);
  for (size_t i = 0; i < truth.data.size(); ++i) truth.data[i] = ids.data[i] == thing.id ? 255 : 0;
  const Vec2 middle = InnermostPixel(truth);
  const Prompt prompt{.points = {{.x = middle.x(), .y = middle.y()}}};
  const FeatureMap features = session->Embedding(view, stop);
  const auto iou = [&](const Mask& mask) { return ScoreMask(mask.binary, ids, thing.id, view).iou; };
  const double own = iou(session->decoder().Decode(features, camera.width, camera.height, prompt));
  double best = own;
  for (const Mask& mask : session->decoder().DecodeAll(features, camera.width, camera.height, prompt))
    best = std::max(best, iou(mask));
  return {own, best};
}

}  // namespace

BesideScore ScoreBeside(const OpenedRun& run, const LabelledThing& thing, ObjectSession* session,
                        ThingViews* views, const StopToken* stop) {
  BesideScore score;
  std::vector<SurfaceClick> clicks;
  const bool has_features = session->HasFeatures();
  if (has_features) {
    const PromptPoint click = {.x = thing.click.x(), .y = thing.click.y()};
    if (const auto lifted = session->Clicks().Lift(SeenOf(run, thing.view), click)) clicks.push_back(*lifted);
    score.per_view = 0;
  }
  const auto count = static_cast<double>(thing.shows.size());
  for (const int view : thing.shows) {
    if (stop != nullptr) stop->ThrowIfStopped();
    const ImageU16& ids = views->Instances(view);
    const auto [own, best] = TeacherIou(run, thing, view, session, ids, stop);
    score.teacher += own / count;
    score.teacher_best += best / count;
    if (!has_features) continue;
    const SpreadResult spread =
        session->Clicks().Spread(clicks, SeenOf(run, view), kDepthTolerance, Granularity::kAuto, stop);
    score.per_view_hidden += spread.hidden;
    if (!spread.hidden)
      score.per_view += ScoreMask(spread.answer.mask.binary, ids, thing.id, view).iou / count;
  }
  return score;
}

}  // namespace semfield
