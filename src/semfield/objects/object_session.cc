#include "semfield/objects/object_session.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/base/stopwatch.h"
#include "semfield/surface/run_surface.h"

namespace semfield {
namespace {

constexpr size_t kFeatureBytes = size_t{1} << 30;  // of views' features that a session keeps

// Tells what is encoded on the way.
class ReportingAnswers : public ViewAnswers {
 public:
  // embeddings: of those who need them, nullptr: nothing is encoded.
  ReportingAnswers(ViewAnswers& answers, PhotoEmbeddings* embeddings, const Capture& capture,
                   const JobControl& control)
      : answers_(answers), embeddings_(embeddings), capture_(capture), control_(control) {}

  std::vector<Mask> Answer(const SurfaceView& view, const Prompt& prompt, const StopToken* stop) override {
    if (embeddings_ != nullptr && embeddings_->IsMissing(view.view)) {
      control_.Report({.stage = "encode photos", .detail = capture_.views[view.view].name});
      const Stopwatch stopwatch;
      embeddings_->Get(view.view, stop);
      encode_milliseconds_ += stopwatch.Milliseconds();
    }
    return answers_.Answer(view, prompt, stop);
  }

  void TellTimes(const Stopwatch& since, std::map<std::string, double>* milliseconds) const {
    if (embeddings_ != nullptr) (*milliseconds)["encode photos"] = encode_milliseconds_;
    (*milliseconds)["find"] = since.Milliseconds() - encode_milliseconds_;
  }

 private:
  ViewAnswers& answers_;
  PhotoEmbeddings* const embeddings_;
  const Capture& capture_;
  const JobControl& control_;
  double encode_milliseconds_ = 0;
};

}  // namespace

ObjectSession::ObjectSession(const OpenedRun& run, const ObjectSessionOptions& options,
                             const JobControl& control)
    : run_(run),
      options_(options),
      map_(SurfaceOfRun(run, control)),
      decoder_(LoadPromptDecoder(options.teacher, {.onnxruntime = options.onnxruntime})),
      embeddings_(*run.capture, run.folder.embeddings_dir(options.teacher), decoder_->card(),
                  [this] {
                    return LoadImageEncoder(options_.teacher,
                                            {.onnxruntime = options_.onnxruntime, .stages = {}});
                  }),
      photos_(embeddings_, *decoder_) {}

std::string ObjectSession::SurfaceName() const {
  return semfield::SurfaceName(run_, map_);
}

bool ObjectSession::HasFeatures() const {
  return semfield::HasFeatures(run_, options_.teacher);
}

ClickSession& ObjectSession::Clicks() {
  if (!session_) {
    features_ = OpenFeatures(run_, options_.teacher);
    session_ = std::make_unique<ClickSession>(run_.Field(), RenderedFeatures(run_.Field(), *features_->field),
                                              *decoder_, ClickSessionOptions{.feature_bytes = kFeatureBytes});
  }
  return *session_;
}

ViewAnswers& ObjectSession::Answers(Answerer who) {
  if (who == Answerer::kPhotos) return photos_;
  if (!imitated_) imitated_ = std::make_unique<ImitatedAnswers>(Clicks());
  return *imitated_;
}

ObjectSession::Answer ObjectSession::Find(Answerer who, const Selection& selection, const FoundObject* before,
                                          const JobControl& control) {
  ReportingAnswers answers(Answers(who), who == Answerer::kPhotos ? &embeddings_ : nullptr, *run_.capture,
                           control);
  const ObjectPrompt prompt = InMap(selection);
  const FinderOptions options{.nesting = selection.nesting};
  const Stopwatch stopwatch;
  Answer answer;
  answer.found = before != nullptr ? MendObject(map_, answers, *before, prompt, options, control.stop)
                                   : FindObject(map_, answers, prompt, options, control.stop);
  answers.TellTimes(stopwatch, &answer.milliseconds);
  return answer;
}

ObjectSession::Answer ObjectSession::FindPainted(Answerer who, int view, const ImageU8& painted,
                                                 const JobControl& control) {
  ReportingAnswers answers(Answers(who), who == Answerer::kPhotos ? &embeddings_ : nullptr, *run_.capture,
                           control);
  const Stopwatch stopwatch;
  Answer answer;
  answer.found = FindMasked(map_, answers, view, painted, {}, control.stop);
  answers.TellTimes(stopwatch, &answer.milliseconds);
  return answer;
}

int ObjectSession::NumMissingPhotos() const {
  return static_cast<int>(
      std::count_if(map_.views().begin(), map_.views().end(),
                    [this](const SurfaceView& view) { return embeddings_.IsMissing(view.view); }));
}

int ObjectSession::EncodePhotos(double seconds, const JobControl& control) {
  const int missing = NumMissingPhotos(), before = embeddings_.num_encoded();
  if (missing == 0) return 0;
  const Stopwatch stopwatch;
  for (const int index : SpreadOverSurface(map_, static_cast<int>(map_.views().size()))) {
    const int view = map_.views()[index].view;
    if (!embeddings_.IsMissing(view)) continue;
    if (seconds > 0 && stopwatch.Seconds() > seconds) break;
    control.ThrowIfStopped();
    embeddings_.Get(view, control.stop);
    control.Report({.stage = "encode photos",
                    .done = static_cast<double>(embeddings_.num_encoded() - before),
                    .total = static_cast<double>(missing),
                    .detail = run_.capture->views[view].name});
  }
  return embeddings_.num_encoded() - before;
}

std::vector<FoundThing> ObjectSession::FindAll(const EverythingOptions& options, const JobControl& control) {
  return LabelOnce(FindEverything(map_, photos_, options, control), options.fewest_cells);
}

std::pair<int, Vec2> ObjectSession::InMap(int view, const Vec2& pixel) const {
  const int own = map_.Find(view);
  if (own < 0) {
    throw InputError(
        "a prompt of this selection is in view {}, which is none of the {} that the run was trained on; "
        "remove "
        "the selection and click anew",
        view, map_.views().size());
  }
  const ImageF& depth = map_.views()[own].depth;
  const Camera& camera = run_.capture->views[view].camera;
  return {own, {pixel.x() * depth.width / camera.width, pixel.y() * depth.height / camera.height}};
}

ObjectPrompt ObjectSession::InMap(const Selection& selection) const {
  ObjectPrompt prompt;
  for (const SelectionClick& click : selection.clicks) {
    const auto [view, pixel] = InMap(click.view, {click.x, click.y});
    prompt.clicks.push_back({.view = view, .pixel = pixel, .positive = click.positive});
  }
  if (selection.box) {
    const PromptBox& box = selection.box->box;
    const auto [view, low] = InMap(selection.box->view, {box.x0, box.y0});
    const Vec2 high = InMap(selection.box->view, {box.x1, box.y1}).second;
    prompt.box = {.view = view, .box = {.x0 = low.x(), .y0 = low.y(), .x1 = high.x(), .y1 = high.y()}};
  }
  return prompt;
}

int ObjectSession::PaintedView(const NamedView& view) const {
  const int own = map_.Find(view.index);
  if (own >= 0) return own;
  throw InputError("view {}: boxes and painted masks need a photo that the run was trained on, such as {}",
                   view.name, run_.capture->views[map_.views().front().view].name);
}

ObjectClick ObjectSession::Place(const NamedView& view, const PromptPoint& point) const {
  const int own = map_.Find(view.index);
  const SurfaceView seen = own >= 0 ? map_.views()[own] : Seen(view, nullptr);
  const Vec2 pixel(point.x * seen.depth.width / view.camera.width,
                   point.y * seen.depth.height / view.camera.height);
  const std::optional<Vec3> on_surface = seen.PointAt(pixel);
  if (!on_surface) {
    throw InputError(
        "--click {:g},{:g}: there is nothing at that place of view {} (sky, or behind the camera); click on "
        "a thing",
        point.x, point.y, view.name);
  }
  if (own >= 0) return {.view = own, .pixel = pixel, .positive = point.positive};
  std::optional<ObjectClick> best;
  double least = std::numeric_limits<double>::infinity();
  for (int v = 0; v < static_cast<int>(map_.views().size()); ++v) {
    const SurfaceView& other = map_.views()[v];
    if (!other.Sees(*on_surface, map_.cell_size())) continue;
    const Vec2 at = other.Project(*on_surface)->pixel;
    const double off =
        std::max(std::abs(at.x() / other.depth.width - 0.5), std::abs(at.y() / other.depth.height - 0.5));
    if (off >= least) continue;
    least = off;
    best = {.view = v, .pixel = at, .positive = point.positive};
  }
  if (best) return *best;
  throw InputError(
      "--click {:g},{:g}: no photo shows what view {} has there; click in one that was trained on", point.x,
      point.y, view.name);
}

SelectionClick ObjectSession::Kept(const ObjectClick& click) const {
  const SurfaceView& view = map_.views()[click.view];
  const Camera& camera = run_.capture->views[view.view].camera;
  return {.view = view.view,
          .x = click.pixel.x() * camera.width / view.depth.width,
          .y = click.pixel.y() * camera.height / view.depth.height,
          .positive = click.positive};
}

SurfaceView ObjectSession::Seen(const NamedView& view, const StopToken* stop) const {
  return SeenBy(run_, map_, view, stop);
}

}  // namespace semfield
