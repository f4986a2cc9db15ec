#include "semfield/evaluation/san_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numbers>

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

// How far a held-out view is from where the teacher looked.
void AddNearestPose(const Pose& pose, const std::vector<Pose>& teacher, SanViewScore* score) {
  for (const Pose& other : teacher) {
    const double distance = (other.translation - pose.translation).norm();
    if (score->teacher_distance && distance >= *score->teacher_distance) continue;
    score->teacher_distance = distance;
    score->teacher_degrees = RotationAngle(other.rotation, pose.rotation) * 180 / std::numbers::pi;
  }
}

SanViewScore ViewScorer::Score(int view) const {
  const View& posed = scene.capture.views[view];
  SanViewScore score{.view = view, .name = posed.name};
  const TeacherView seen =
      MakeTeacherView(scene, features, encoder, view, options.longest_side, control.stop);
  score.milliseconds = seen.milliseconds;
  score.features.Add(seen.ours, seen.teacher);
  score.features_in_frame.Add(seen.ours, seen.teacher, TokensInFrame(seen.square, seen.teacher.width));
  control.ThrowIfStopped();
  ScoreClicks(seen, posed.camera, &score);
  AddNearestPose(posed.world_from_camera, options.training_poses, &score);
  if (!posed.instance.empty()) ScoreThings(seen, &score);
  return score;
}

// Whether a click tells anything: not on what a mask excludes, nor beside a thing that stands on nothing.
class Askable {
 public:
  Askable(const EvaluationScene& scene, int view)
      : mask_(scene.store.Mask(view)), photo_(scene.store.Image(view)) {}
  // `click` in pixels of a picture of `frame`'s size.
  bool operator()(const Vec2& click, const Camera& frame) const {
    const auto at = [&](const ImageU8& image, int channel) {
      const int x = std::clamp(static_cast<int>(click.x() * image.width / frame.width), 0, image.width - 1);
      const int y =
          std::clamp(static_cast<int>(click.y() * image.height / frame.height), 0, image.height - 1);
      return image.At(x, y, channel);
    };
    if (mask_ != nullptr && at(*mask_, 0) == 0) return false;
    return photo_->channels != 4 || at(*photo_, 3) >= 128;
  }

 private:
  std::shared_ptr<const ImageU8> mask_, photo_;
};

// One decoder's masks of a click, and which of them answers.
struct Choice {
  std::vector<Mask> all;
  size_t chosen = 0;
  const Mask& mask() const { return all[chosen]; }
  const Mask* Named(const std::string& granularity) const {
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Mask& m) { return m.granularity == granularity; });
    return found == all.end() ? nullptr : &*found;
  }
};

// By the graph's own rule (auto: the best scored but the single one), or the one that is asked for.
Choice Choose(std::vector<Mask> masks, Granularity granularity) {
  Choice choice{.all = std::move(masks)};
  const bool is_auto = granularity == Granularity::kAuto;
  double best = -INFINITY;
  for (size_t i = 0; i < choice.all.size(); ++i) {
    const Mask& mask = choice.all[i];
    const bool may = is_auto
                         ? mask.granularity != GranularityName(Granularity::kSingle) || choice.all.size() == 1
                         : mask.granularity == GranularityName(granularity);
    if (may && mask.score > best) {
      best = mask.score;
      choice.chosen = i;
    }
  }
  return choice;
}

std::optional<double> IouOf(const Mask* a, const Mask* b) {
  if (a == nullptr || b == nullptr) return std::nullopt;
  return MaskIou(a->binary, b->binary);
}

void ViewScorer::ScoreClicks(const TeacherView& seen, const Camera& original, SanViewScore* score) const {
  const Camera& frame = seen.square.frame();
  const std::vector<Vec2> clicks = ClickGrid(frame.width, frame.height, options.clicks_per_side);
  const std::vector<Vec2> original_clicks =
      ClickGrid(original.width, original.height, options.clicks_per_side);
  const Askable askable(scene, score->view);
  FeatureMap photo_features;
  if (options.photo_teacher)
    photo_features = encoder.Encode(PhotoThroughSquare(scene, score->view, seen, encoder.card().encoder.mean),
                                    control.stop);
  const std::string single = GranularityName(Granularity::kSingle);
  double decode_seconds = 0;
  for (size_t i = 0; i < clicks.size(); ++i) {
    control.ThrowIfStopped();
    if (!askable(clicks[i], frame)) continue;
    const auto ask = [&](const FeatureMap& features) {
      return Choose(ClickMasks(decoder, features, seen.square, clicks[i]), options.granularity);
    };
    const Stopwatch stopwatch;
    const Choice ours = ask(seen.ours);
    decode_seconds += stopwatch.Seconds();
    if (ours.all.empty()) continue;  // the square does not see it
    const Choice teacher = ask(seen.teacher);
    ClickScore click{.click = original_clicks[i],
                     .iou = MaskIou(ours.mask().binary, teacher.mask().binary),
                     .area = MaskArea(ours.mask().binary),
                     .teacher_area = MaskArea(teacher.mask().binary),
                     .score = ours.mask().score,
                     .teacher_score = teacher.mask().score,
                     .granularity = ours.mask().granularity,
                     .teacher_granularity = teacher.mask().granularity,
                     .iou_single = IouOf(ours.Named(single), teacher.Named(single)),
                     .iou_teacher_choice = IouOf(ours.Named(teacher.mask().granularity), &teacher.mask())};
    if (options.photo_teacher) {
      const Choice photo = ask(photo_features);
      click.photo_iou = IouOf(&ours.mask(), &photo.mask());
      click.photo_teacher_iou = IouOf(&teacher.mask(), &photo.mask());
    }
    score->clicks.push_back(std::move(click));
  }
  score->milliseconds["decode"] =
      1e3 * decode_seconds / std::max<double>(1, static_cast<double>(score->clicks.size()));
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
    const std::optional<Mask> ours = ClickMask(decoder, seen.ours, frame, thing.click, options.granularity);
    if (!ours) continue;  // the square does not see it
    const Mask teacher = *ClickMask(decoder, seen.teacher, frame, thing.click, options.granularity);
    const auto label = scene.capture.instances.find(thing.id);
    const bool named = label != scene.capture.instances.end();
    score->things.push_back({.id = thing.id,
                             .name = named ? label->second.name : fmt::format("instance {}", thing.id),
                             .class_name = named ? label->second.class_name : "",
                             .share = thing.share,
                             .click = thing.click,
                             .iou = MaskIou(ours->binary, thing.mask, scored),
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
                     .detail = fmt::format("IoU {:.3f}", sum_ / std::max(1.0, clicks_))});
  }

 private:
  const JobControl& control_;
  double total_, done_ = 0, sum_ = 0, clicks_ = 0;
  Stopwatch stopwatch_;
  std::mutex mutex_;
};

}  // namespace

SanResult EvaluateSan(const EvaluationScene& scene, const Imitated& imitated, const std::vector<int>& views,
                      const SanOptions& options, const JobControl& control) {
  const auto& [features, encoder, decoder] = imitated;
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
