#include "semfield/evaluation/san_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "semfield/base/parallel.h"
#include "semfield/base/stopwatch.h"
#include "semfield/evaluation/clicks.h"
#include "semfield/evaluation/teacher_view.h"
#include "semfield/image/pixels.h"

namespace semfield {
namespace {

// What scoring one view needs; encoder and decoder belong to one worker.
struct ViewScorer {
  const EvaluationScene& scene;
  const FeatureField& features;
  ImageEncoder& encoder;
  PromptDecoder& decoder;
  const SanOptions& options;
  const JobControl& control;

  SanViewScore Score(int view) const;
  void ScoreClicks(const TeacherView& seen, const Camera& original, SanViewScore* score) const;
  void ScoreThings(const TeacherView& seen, SanViewScore* score) const;
};

SanViewScore ViewScorer::Score(int view) const {
  const View& posed = scene.capture.views[view];
  SanViewScore score{.view = view, .name = posed.name};
  const TeacherView seen = MakeTeacherView(scene, features, encoder, view, options.longest_side);
  score.milliseconds = seen.milliseconds;
  score.features.Add(seen.ours, seen.teacher);
  score.features_in_frame.Add(seen.ours, seen.teacher, TokensInFrame(seen.square, seen.teacher.width));
  control.ThrowIfStopped();
  ScoreClicks(seen, posed.camera, &score);
  if (!posed.instance.empty()) ScoreThings(seen, &score);
  return score;
}

void ViewScorer::ScoreClicks(const TeacherView& seen, const Camera& original, SanViewScore* score) const {
  const Camera& frame = seen.square.frame();
  const std::vector<Vec2> clicks = ClickGrid(frame.width, frame.height, options.clicks_per_side);
  const std::vector<Vec2> original_clicks =
      ClickGrid(original.width, original.height, options.clicks_per_side);
  FeatureMap photo_features;
  if (options.photo_teacher) photo_features = encoder.Encode(PhotoThroughSquare(scene, score->view, seen));
  double decode_seconds = 0;
  for (size_t i = 0; i < clicks.size(); ++i) {
    control.ThrowIfStopped();
    const Stopwatch stopwatch;
    const Mask ours = ClickMask(decoder, seen.ours, seen.square, clicks[i], options.granularity);
    decode_seconds += stopwatch.Seconds();
    const Mask teacher = ClickMask(decoder, seen.teacher, seen.square, clicks[i], options.granularity);
    ClickScore click{.click = original_clicks[i],
                     .iou = MaskIou(ours.binary, teacher.binary),
                     .area = MaskArea(ours.binary),
                     .teacher_area = MaskArea(teacher.binary),
                     .score = ours.score,
                     .teacher_score = teacher.score,
                     .granularity = ours.granularity,
                     .teacher_granularity = teacher.granularity};
    if (options.photo_teacher) {
      const Mask photo = ClickMask(decoder, photo_features, seen.square, clicks[i], options.granularity);
      click.photo_teacher_iou = MaskIou(photo.binary, teacher.binary);
    }
    score->clicks.push_back(std::move(click));
  }
  score->milliseconds["decode"] = 1e3 * decode_seconds / static_cast<double>(clicks.size());
}

void ViewScorer::ScoreThings(const TeacherView& seen, SanViewScore* score) const {
  const View& posed = scene.capture.views[score->view];
  const ImageU16 instances = scene.store.Instances(score->view);
  const SquareView frame(posed.camera, seen.square.square().width);
  ImageU8 valid;
  if (const std::shared_ptr<const ImageU8> mask = scene.store.Mask(score->view)) {
    valid = ResizeNearest(*mask, instances.width, instances.height);
  }
  const ImageU8* scored = valid.empty() ? nullptr : &valid;
  for (const Thing& thing : FindThings(instances, options.min_thing_share)) {
    control.ThrowIfStopped();
    const Mask ours = ClickMask(decoder, seen.ours, frame, thing.click, options.granularity);
    const Mask teacher = ClickMask(decoder, seen.teacher, frame, thing.click, options.granularity);
    const auto label = scene.capture.instances.find(thing.id);
    const bool named = label != scene.capture.instances.end();
    score->things.push_back({.id = thing.id,
                             .name = named ? label->second.name : fmt::format("instance {}", thing.id),
                             .class_name = named ? label->second.class_name : "",
                             .share = thing.share,
                             .click = thing.click,
                             .iou = MaskIou(ours.binary, thing.mask, scored),
                             .teacher_iou = MaskIou(teacher.binary, thing.mask, scored)});
  }
}

// Progress of views that finish in any order, from any thread.
class ViewProgress {
 public:
  ViewProgress(const JobControl& control, size_t total)
      : control_(control), total_(static_cast<double>(total)) {}
  void Add(const SanViewScore& score) {
    std::lock_guard<std::mutex> lock(mutex_);
    ++done_;
    for (const ClickScore& click : score.clicks) sum_ += click.iou;
    clicks_ += static_cast<double>(score.clicks.size());
    control_.Report({.stage = "evaluate san",
                     .done = done_,
                     .total = total_,
                     .seconds_left = stopwatch_.Seconds() / done_ * (total_ - done_),
                     .detail = fmt::format("IoU {:.3f}", sum_ / clicks_)});
  }

 private:
  const JobControl& control_;
  double total_, done_ = 0, sum_ = 0, clicks_ = 0;
  Stopwatch stopwatch_;
  std::mutex mutex_;
};

}  // namespace

SanResult EvaluateSan(const EvaluationScene& scene, const FeatureField& features, const ImageEncoder& encoder,
                      const PromptDecoder& decoder, const std::vector<int>& views, const SanOptions& options,
                      const JobControl& control) {
  SanResult result{.options = options, .teacher = encoder.card().name};
  result.per_view.resize(views.size());
  result.workers = std::max(1, std::min(NumThreads(), static_cast<int>(views.size())));
  std::vector<std::unique_ptr<ImageEncoder>> encoders(NumThreads());
  std::vector<std::unique_ptr<PromptDecoder>> decoders(NumThreads());
  ViewProgress progress(control, views.size());
  control.Report({.stage = "evaluate san", .total = static_cast<double>(views.size()), .detail = ""});
  ParallelFor(static_cast<int64_t>(views.size()), [&](int64_t task, int worker) {
    control.ThrowIfStopped();
    if (!encoders[worker]) encoders[worker] = encoder.Clone();
    if (!decoders[worker]) decoders[worker] = decoder.Clone();
    const ViewScorer scorer{scene, features, *encoders[worker], *decoders[worker], options, control};
    result.per_view[task] = scorer.Score(views[task]);
    progress.Add(result.per_view[task]);
  });
  return result;
}

std::vector<RankedClick> WorstClicks(const SanResult& result, size_t count) {
  std::vector<RankedClick> clicks;
  for (size_t v = 0; v < result.per_view.size(); ++v) {
    for (size_t c = 0; c < result.per_view[v].clicks.size(); ++c) clicks.push_back({v, c});
  }
  const auto iou = [&](const RankedClick& click) {
    return result.per_view[click.view].clicks[click.click].iou;
  };
  std::stable_sort(clicks.begin(), clicks.end(),
                   [&](const RankedClick& a, const RankedClick& b) { return iou(a) < iou(b); });
  clicks.resize(std::min(count, clicks.size()));
  return clicks;
}

}  // namespace semfield
