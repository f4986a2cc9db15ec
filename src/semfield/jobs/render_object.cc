#include "semfield/jobs/render_object.h"

#include <fmt/format.h>

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/base/stopwatch.h"
#include "semfield/base/text.h"
#include "semfield/image/codecs.h"
#include "semfield/image/pixels.h"
#include "semfield/jobs/object_picture.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

constexpr int kShownSide = 256, kFeatureSide = 128;
constexpr float kNear = 0.8f, kFar = 1.8f;  // of the colors of depth

struct Shown {
  std::string name;
  Pose world_from_camera;
};

std::vector<Shown> ViewsOf(const RenderJobOptions& job, const Pose& own) {
  if (job.orbit == 0) return {{"picture", own}};
  std::vector<Shown> views;
  for (int i = 0; i < job.orbit; ++i) {
    const Pose turn{
        .rotation = Eigen::AngleAxisd(2 * std::numbers::pi * i / job.orbit, Vec3::UnitZ()).toRotationMatrix(),
        .translation = Vec3::Zero()};
    views.push_back({fmt::format("orbit_{:04d}", i), turn * own});
  }
  return views;
}

// Principal components as colors, white where nothing is. basis: tokens of the first picture, which decides
// the colors of all.
ImageU8 FeaturePicture(const FeatureMap& map, ImageF* basis) {
  ImageF image(map.width, map.height, map.channels);
  const size_t n = image.num_pixels();
  for (int c = 0; c < map.channels; ++c) {
    for (size_t i = 0; i < n; ++i) image.data[i * map.channels + c] = map.data[c * n + i];
  }
  std::vector<bool> seen(n);
  std::vector<float> tokens;
  for (size_t i = 0; i < n; ++i) {
    const float* const token = image.data.data() + i * map.channels;
    seen[i] = std::any_of(token, token + map.channels, [](float v) { return v != 0; });
    if (seen[i]) tokens.insert(tokens.end(), token, token + map.channels);
  }
  if (basis->empty() && !tokens.empty()) {
    *basis = ImageF(static_cast<int>(tokens.size()) / map.channels, 1, map.channels);
    basis->data = tokens;
  }
  ImageU8 rgb = PcaToRgb(image, basis->empty() ? nullptr : basis);
  for (size_t i = 0; i < n; ++i) {
    if (!seen[i]) std::fill_n(rgb.data.begin() + static_cast<int64_t>(3 * i), 3, 255);
  }
  return ResizeNearest(rgb, kShownSide, kShownSide);
}

void CheckJob(const RenderJobOptions& job) {
  for (const std::string& what : job.what) {
    if (what != "rgb" && what != "depth" && what != "features")
      throw InputError("--what {}: of a picture of an object, rgb, depth and features can be shown", what);
  }
  if (job.path > 0 || job.edited || job.through.mesh() || !job.view.empty() || job.format != "png") {
    throw InputError(
        "a picture of an object has one view and no run: --path, --view, --edited, --through and --format do "
        "not apply");
  }
}

}  // namespace

RenderResult RenderObject(const RenderJobOptions& job, const Method& method, const JobControl& control) {
  CheckJob(job);
  const auto wants = [&](const char* what) {
    return std::find(job.what.begin(), job.what.end(), what) != job.what.end();
  };
  const std::unique_ptr<ObjectFeatures> features = method.OpenObjects(
      {.weights = job.vote.weights, .category = job.category, .onnxruntime = job.vote.onnxruntime});
  if (!fs::is_regular_file(job.run)) {
    throw InputError("{}: not a picture; --method {} shows one object that a PNG with alpha shows", job.run,
                     job.vote.method);
  }
  ObjectPicture picture{
      .rgba = ReadObjectPicture(
          {.path = job.run, .click = job.click, .teacher = job.teacher, .onnxruntime = job.vote.onnxruntime},
          control.stop)};
  picture.camera = CameraOfObjectPicture(picture.rgba);
  picture.world_from_camera = features->GuessPose(picture.rgba, picture.camera, control.stop);
  const Pose own = picture.world_from_camera;
  const Camera camera =
      picture.camera.Resized(std::max(1, static_cast<int>(std::lround(kShownSide * job.scale))),
                             std::max(1, static_cast<int>(std::lround(kShownSide * job.scale))));
  const Camera own_camera = picture.camera;
  const std::unique_ptr<SeenObject> seen = features->See(std::move(picture), control.stop);
  const fs::path folder = job.out.empty()
                              ? fs::path(fs::path(job.run).stem().string() + "-" + method.info().name)
                              : fs::path(job.out);
  const std::vector<Shown> views = ViewsOf(job, own);
  RenderResult result{.views = views.size()};
  ImageF basis;
  const Stopwatch stopwatch;
  for (size_t i = 0; i < views.size(); ++i) {
    control.ThrowIfStopped();
    const auto write = [&](const char* what, const ImageU8& image) {
      const fs::path file = folder / fmt::format("{}_{}.png", views[i].name, what);
      WritePng(file, image);
      result.files.push_back(file.string());
    };
    const Pose& pose = views[i].world_from_camera;
    if (wants("rgb") || wants("depth")) {
      const RenderedView rendered =
          seen->radiance()->Render(camera, pose, {.rgb = wants("rgb")}, control.stop);
      if (wants("rgb")) write("rgb", ToU8(rendered.rgb));
      if (wants("depth")) write("depth", Colorize(rendered.depth, kNear, kFar));
    }
    if (wants("features")) {
      const FeatureMap map = seen->Render(own_camera, pose, kFeatureSide, kFeatureSide, control.stop);
      write("features", FeaturePicture(map, &basis));
    }
    control.Report({.stage = "render",
                    .done = static_cast<double>(i + 1),
                    .total = static_cast<double>(views.size()),
                    .detail = views[i].name});
  }
  result.milliseconds_per_view = stopwatch.Milliseconds() / static_cast<double>(views.size());
  return result;
}

}  // namespace semfield
