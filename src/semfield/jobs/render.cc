#include "semfield/jobs/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/process.h"
#include "semfield/base/stopwatch.h"
#include "semfield/base/write_guard.h"
#include "semfield/edits/edited_view.h"
#include "semfield/image/codecs.h"
#include "semfield/image/pixel_grid.h"
#include "semfield/image/pixels.h"
#include "semfield/image/srgb.h"
#include "semfield/jobs/camera_path.h"
#include "semfield/jobs/mask_files.h"
#include "semfield/jobs/render_object.h"
#include "semfield/perception/square_view.h"
#include "semfield/run/feed_forward.h"
#include "semfield/run/opened_run.h"
#include "semfield/views/class_picture.h"

namespace semfield {
namespace {

bool Wants(const RenderJobOptions& job, const char* what) {
  return std::find(job.what.begin(), job.what.end(), what) != job.what.end();
}

std::vector<NamedView> ViewsOf(const RenderJobOptions& job, const Capture& capture) {
  if (job.orbit > 0) return OrbitViews(capture, job.orbit);
  if (job.path > 0) return PathViews(capture, job.path);
  return FindNamedViews(capture, job.view.empty() ? "test" : job.view);
}

// One range of depth for all pictures of a job, so that they can be compared.
float FarDepth(const ImageF& depth) {
  std::vector<float> values;
  for (float d : depth.data) {
    if (d > 0) values.push_back(d);
  }
  if (values.empty()) return 1;
  const size_t at = values.size() * 98 / 100;
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return 1.1f * values[at];
}

class Renderer {
 public:
  Renderer(const RenderJobOptions& job, const OpenedRun& run, const JobControl& control)
      : job_(job), run_(run), shown_(run, job.through), stop_(control.stop) {
    if (job.edited) {
      scene_ = std::make_unique<EditedScene>(OpenEditedScene(run, OpenRunMesh(run), control));
      edited_ = std::make_unique<EditedView>(run.Field(), *scene_);
    }
    folder_ = job.out.empty() ? run.folder.renders_dir() : std::filesystem::path(job.out);
    if (Wants(job, "features")) features_ = OpenFeatures(run, job.teacher);
    if (Wants(job, "semantics")) classes_ = std::make_unique<RunClasses>(run, job.vote, control);
  }

  void Render(const NamedView& view) {
    const double scale = job_.scale / run_.store->downscale();
    const Camera camera =
        view.camera.Resized(std::max(1, static_cast<int>(std::lround(view.camera.width * scale))),
                            std::max(1, static_cast<int>(std::lround(view.camera.height * scale))));
    RenderRequest options{.rgb = Wants(job_, "rgb"), .normals = Wants(job_, "normals")};
    std::copy_n(run_.background.data(), 3, options.background);
    if (options.rgb || options.normals || Wants(job_, "depth")) {
      const RenderedView picture = edited_ != nullptr
                                       ? edited_->Render(camera, view.world_from_camera, options, stop_)
                                       : (*shown_).Render(camera, view.world_from_camera, options, stop_);
      if (options.rgb) Write(view.name, "rgb", ToU8(picture.rgb), Linear(picture.rgb));
      if (Wants(job_, "depth")) {
        if (far_depth_ <= 0) far_depth_ = FarDepth(picture.depth);
        Write(view.name, "depth", Colorize(picture.depth, 0, far_depth_), picture.depth);
      }
      if (options.normals) Write(view.name, "normals", NormalsToRgb(picture.normals), picture.normals);
    }
    if (classes_) RenderClasses(view, camera);
    if (Wants(job_, "features")) RenderFeatures(view);
    if (Wants(job_, "grid")) DrawGrid(view);
  }

  // What the colors and ids of semantics mean, and how much of the views no source sees.
  void WriteLegend(RenderResult* result) const {
    if (!classes_) return;
    const std::filesystem::path picture = folder_ / "legend.png", names = folder_ / "classes.json";
    WritePng(picture, LegendPicture(classes_->classes()));
    WriteJsonFile(names,
                  {{"model", classes_->photos().Name()}, {"classes", LegendJson(classes_->classes())}});
    result->legend = {picture.string(), names.string()};
    for (const double share : unseen_) result->unseen += share / static_cast<double>(unseen_.size());
  }

  const std::vector<std::string>& files() const { return files_; }
  std::filesystem::path folder() const { return folder_; }

 private:
  // EXR is of light, and every program that opens one takes it so.
  ImageF Linear(ImageF rgb) const {
    if (job_.format != "exr") return {};
    for (float& value : rgb.data) value = static_cast<float>(LinearFromSrgb(value));
    return rgb;
  }

  static ImageU8 NormalsToRgb(ImageF normals) {
    for (float& value : normals.data) value = 0.5f + 0.5f * value;
    return ToU8(normals);
  }

  // Of the photo's own size: clicks are in its pixels.
  void DrawGrid(const NamedView& view) {
    ImageU8 picture = PictureOf(run_, view);
    DrawPixelGrid(picture);
    Write(view.name, "grid", picture, {});
  }

  // In colors, and as ids for programs.
  void RenderClasses(const NamedView& view, const Camera& camera) {
    const ClassView seen = classes_->Look(view, camera, stop_);
    const ImageU8 ids = seen.Ids();
    Write(view.name, "semantics", ClassPicture(ids), {});
    Write(view.name, "classes", ids, {});
    unseen_.push_back(seen.unseen);
  }

  void RenderFeatures(const NamedView& view) {
    const SquareView square(view.camera, features_.field->space().resolution);
    const FeatureMap map =
        RenderGrid(*features_.field, *shown_, square.square(), view.world_from_camera, stop_);
    ImageF image(map.width, map.height, map.channels);
    const size_t n = image.num_pixels();
    for (int c = 0; c < map.channels; ++c) {
      for (size_t i = 0; i < n; ++i) image.data[i * map.channels + c] = map.data[c * n + i];
    }
    const ImageU8 rgb = PcaToRgb(image, basis_.empty() ? nullptr : &basis_);
    if (basis_.empty()) basis_ = image;
    Write(view.name, "features", ResizeNearest(rgb, 8 * map.width, 8 * map.height), image);
  }

  void Write(const std::string& name, const std::string& what, const ImageU8& shown, const ImageF& values) {
    const bool exr = job_.format == "exr";
    const std::filesystem::path path = folder_ / fmt::format("{}_{}.{}", name, what, exr ? "exr" : "png");
    if (exr) {
      WriteExr(path, values);
    } else {
      WritePng(path, shown);
    }
    files_.push_back(path.string());
  }

  const RenderJobOptions& job_;
  const OpenedRun& run_;
  const ShownField shown_;
  const StopToken* stop_;
  std::filesystem::path folder_;
  std::unique_ptr<EditedScene> scene_;  // nullptr: the scene as it was trained
  std::unique_ptr<EditedView> edited_;  // of scene_
  OpenedFeatures features_;
  std::unique_ptr<RunClasses> classes_;
  std::vector<double> unseen_;  // [views]
  ImageF basis_;
  float far_depth_ = 0;
  std::vector<std::string> files_;
};

std::vector<std::string> MakeVideos(const RenderJobOptions& job, const Renderer& renderer,
                                    const std::vector<NamedView>& views, const JobControl& control) {
  std::vector<std::string> videos;
  const std::string prefix = views[0].name.substr(0, views[0].name.find('_'));
  const int digits = job.orbit > 0 ? 4 : 5;
  for (const std::string& what : job.what) {  // the ids of semantics make no video
    const std::string video = (renderer.folder() / fmt::format("{}_{}.mp4", prefix, what)).string();
    CheckWriteStaysInside(video);
    const std::string pattern =
        (renderer.folder() / fmt::format("{}_%0{}d_{}.png", prefix, digits, what)).string();
    const ProcessResult made = RunProcess(
        {.words = {"ffmpeg", "-y", "-loglevel", "error", "-framerate", std::to_string(job.fps), "-i", pattern,
                   "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p", "file:" + video},
         .stop = control.stop});
    if (!made.Succeeded()) {
      LogWarning("no video: ffmpeg is not installed or failed; the pictures are in {}",
                 renderer.folder().string());
      return {};
    }
    videos.push_back(video);
  }
  // The pictures were made for the videos alone.
  for (const std::string& file : renderer.files()) {
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
  }
  return videos;
}

}  // namespace

void RenderJobOptions::Describe(OptionList& list) {
  list.Group("What");
  list.Text("run", &run, "Run folder, or a picture of one object (--method feature_nerf).");
  source.Describe(list);
  list.TextList(
      "what", &what,
      "Pictures to make; semantics: the class of every pixel by a vote of photos, with a legend; grid: the "
      "photo with its pixels numbered, to find clicks.",
      {.choices = {"rgb", "depth", "normals", "semantics", "features", "grid"}});
  list.Text("view", &view, "View, list of views, all, train, test, or a pose file; default test.");
  list.Int("orbit", &orbit, "So many pictures on a circle around the scene.", {.min = 0, .max = 100000});
  list.Int("path", &path, "So many pictures between each two training views.", {.min = 0, .max = 10000});
  list.Flag("edited", &edited, "Show the scene as the run's edits leave it (semfield edit).");
  list.Group("Picture of an object");
  list.Text("category", &category, "What it shows: a category that the weights were trained on.");
  list.TextList(
      "click", &click,
      "x,y on the object of a picture without alpha (with - after it: beside the object): SAM cuts it "
      "out.");
  list.Group("How");
  through.Describe(list);
  list.Text("out", &out, "Folder for the pictures; empty: renders/ in the run.");
  list.Text("format", &format,
            "png, exr (linear light; depths and normals as they are), or mp4 (orbit and path; needs ffmpeg).",
            {.choices = {"png", "exr", "mp4"}});
  list.Text("teacher", &teacher, "Whose features.");
  list.Real("scale", &scale, "Size relative to the size trained on.", {.min = 0.01, .max = 16});
  list.Int("fps", &fps, "Pictures a second in a video.", {.min = 1, .max = 240});
  vote.Describe(list);
}

std::vector<std::string> RenderResult::Text() const {
  std::vector<std::string> text = tells_videos ? videos : files;
  text.insert(text.end(), legend.begin(), legend.end());
  if (!legend.empty() && unseen > 0)
    text.push_back(
        fmt::format("{:.1f} % of the pixels are seen by none of the photos that vote", 100 * unseen));
  text.push_back(fmt::format("{} views, {:.0f} ms each", views, milliseconds_per_view));
  return text;
}

Json RenderResult::ToJson() const {
  std::vector<std::string> all = files;
  all.insert(all.end(), videos.begin(), videos.end());
  Json json = {{"files", all}, {"milliseconds_per_view", milliseconds_per_view}};
  if (!legend.empty()) {
    json["legend"] = legend;
    json["unseen"] = unseen;
  }
  return json;
}

RenderResult RunRender(const RenderJobOptions& job, const MethodList& methods, const JobControl& control) {
  if (job.orbit > 0 && job.path > 0) throw InputError("--orbit and --path exclude each other");
  if (job.format == "mp4" && job.orbit == 0 && job.path == 0) {
    throw InputError("--format mp4 makes a video of --orbit N or --path N; name one of them");
  }
  if (job.format == "exr" && (Wants(job, "features") || Wants(job, "grid") || Wants(job, "semantics"))) {
    throw InputError(
        "--format exr holds up to 4 channels of numbers; features (their principal components), semantics "
        "and "
        "grids are written as png");
  }
  if (job.edited && (Wants(job, "features") || Wants(job, "grid") || Wants(job, "semantics"))) {
    throw InputError(
        "--edited shows rgb, depth and normals: features are of the scene as it was trained, and a grid is "
        "drawn "
        "on the photo");
  }
  if (job.through.mesh() && (job.edited || Wants(job, "semantics"))) {
    throw InputError(
        "--through mesh shows rgb, depth, normals and features: the edited scene and semantics are of the "
        "volume");
  }
  if (job.vote.method != ClassVoteOptions().method &&
      methods.Find(job.vote.method).info().trains_on == MethodInfo::TrainsOn::kManyObjects)
    return RenderObject(job, methods.Find(job.vote.method), control);
  if (!job.category.empty() || !job.click.empty())
    throw InputError("--category and --click are of pictures of single objects: add --method feature_nerf");
  const OpenedRun run = OpenRunOrCapture(
      job.run, methods, job.source,
      {.method = job.vote.method, .weights = job.vote.weights, .words_model = job.vote.model});
  const std::vector<NamedView> views = ViewsOf(job, *run.capture);
  std::optional<RunLock> lock;  // what photos say is kept in the run
  if (Wants(job, "semantics")) lock.emplace(run.folder);
  Renderer renderer(job, run, control);
  const Stopwatch stopwatch;
  for (size_t i = 0; i < views.size(); ++i) {
    control.ThrowIfStopped();
    renderer.Render(views[i]);
    control.Report({.stage = "render",
                    .done = static_cast<double>(i + 1),
                    .total = static_cast<double>(views.size()),
                    .detail = views[i].name});
  }
  RenderResult result{.files = renderer.files(),
                      .videos = {},
                      .views = views.size(),
                      .milliseconds_per_view = stopwatch.Milliseconds() / static_cast<double>(views.size()),
                      .legend = {}};
  renderer.WriteLegend(&result);
  if (job.format == "mp4") {
    result.videos = MakeVideos(job, renderer, views, control);
    result.lacks_videos = result.videos.empty();
    if (!result.lacks_videos) result.files.clear();
  }
  result.tells_videos = job.format == "mp4";
  return result;
}

}  // namespace semfield
