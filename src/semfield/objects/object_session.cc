#include "semfield/objects/object_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/base/stopwatch.h"
#include "semfield/objects/run_surface.h"

namespace semfield {
namespace {

// Tells what is encoded on the way.
class ReportingAnswers : public ViewAnswers {
 public:
  ReportingAnswers(PhotoAnswers& answers, PhotoEmbeddings& embeddings, const Capture& capture,
                   const JobControl& control)
      : answers_(answers), embeddings_(embeddings), capture_(capture), control_(control) {}

  std::vector<Mask> Answer(const SurfaceView& view, const Prompt& prompt, const StopToken* stop) override {
    if (embeddings_.IsMissing(view.view)) {
      control_.Report({.stage = "encode photos", .detail = capture_.views[view.view].name});
      const Stopwatch stopwatch;
      embeddings_.Get(view.view, stop);
      encode_milliseconds += stopwatch.Milliseconds();
    }
    return answers_.Answer(view, prompt, stop);
  }

  double encode_milliseconds = 0;

 private:
  PhotoAnswers& answers_;
  PhotoEmbeddings& embeddings_;
  const Capture& capture_;
  const JobControl& control_;
};

}  // namespace

ObjectSession::ObjectSession(const OpenedRun& run, const ObjectSessionOptions& options,
                             const JobControl& control)
    : run_(run),
      options_(options),
      map_(SurfaceOfRun(run, control)),
      decoder_(LoadPromptDecoder(options.teacher, {.onnxruntime = options.onnxruntime})),
      embeddings_(*run.capture, run.folder.embeddings_dir(options.teacher), decoder_->card(), [this] {
        return LoadImageEncoder(options_.teacher, {.onnxruntime = options_.onnxruntime, .stages = {}});
      }) {}

std::string ObjectSession::SurfaceName() const {
  return fmt::format("{} {}", run_.radiance_checksum, map_.num_cells());
}

bool ObjectSession::HasFeatures() const {
  return semfield::HasFeatures(run_, options_.teacher);
}

ObjectSession::Answer ObjectSession::AskFeatures(const std::vector<SelectionClick>& clicks,
                                                 const JobControl& control) {
  if (!session_) {
    features_ = OpenFeatures(run_, options_.teacher);
    session_ = std::make_unique<ClickSession>(run_.Field(), RenderedFeatures(run_.Field(), *features_->field),
                                              *decoder_);
  }
  ImitatedAnswers answers(*session_);
  const Stopwatch stopwatch;
  Answer answer{.found = FindObject(map_, answers, InMap(clicks), {}, control.stop), .milliseconds = {}};
  answer.milliseconds["find"] = stopwatch.Milliseconds();
  return answer;
}

ObjectSession::Answer ObjectSession::AskPhotos(const std::vector<SelectionClick>& clicks,
                                               const JobControl& control) {
  PhotoAnswers photos(embeddings_, *decoder_);
  ReportingAnswers answers(photos, embeddings_, *run_.capture, control);
  const Stopwatch stopwatch;
  Answer answer{.found = FindObject(map_, answers, InMap(clicks), {}, control.stop), .milliseconds = {}};
  answer.milliseconds["encode photos"] = answers.encode_milliseconds;
  answer.milliseconds["find"] = stopwatch.Milliseconds() - answers.encode_milliseconds;
  return answer;
}

std::vector<FoundThing> ObjectSession::FindAll(const EverythingOptions& options, const JobControl& control) {
  PhotoAnswers answers(embeddings_, *decoder_);
  return LabelOnce(FindEverything(map_, answers, options, control), options.fewest_cells);
}

std::vector<ObjectClick> ObjectSession::InMap(const std::vector<SelectionClick>& clicks) const {
  std::vector<ObjectClick> placed;
  for (const SelectionClick& click : clicks) {
    const int own = map_.Find(click.view);
    SF_CHECK_GE(own, 0);
    const ImageF& depth = map_.views()[own].depth;
    const Camera& camera = run_.capture->views[click.view].camera;
    placed.push_back({.view = own,
                      .pixel = {click.x * depth.width / camera.width, click.y * depth.height / camera.height},
                      .positive = click.positive});
  }
  return placed;
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
  const int own = map_.Find(view.index);
  if (own >= 0) return map_.views()[own];
  const Camera camera = view.index >= 0 ? run_.store->CameraOf(view.index) : view.camera;
  return map_.Look(RenderDepthView(run_.Field(), camera, view.world_from_camera, -1, stop));
}

}  // namespace semfield
