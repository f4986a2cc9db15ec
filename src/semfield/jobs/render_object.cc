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
#include "semfield/jobs/prompt_text.h"
#include "semfield/perception/image_encoder.h"
#include "semfield/perception/prompt_decoder.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

constexpr double kFieldOfView = 0.8313;  // radians; of the pictures of objects that were trained on
constexpr double kRoom = 1.3;            // side of a cut-out picture over the longest side of its object
constexpr int kShownSide = 256, kFeatureSide = 128;
constexpr float kNear = 0.8f, kFar = 1.8f;  // of the colors of depth

ImageU8 CutOut(const ImageU8& picture, const RenderJobOptions& job, const JobControl& control) {
  const ImageU8 rgb = ToRgb(picture, {127, 127, 127});
  const Prompt prompt = ParsePrompt(job.click, {}, PinholeCamera(rgb.width, rgb.height, kFieldOfView));
  const auto encoder = LoadImageEncoder(job.teacher, {.onnxruntime = job.vote.onnxruntime});
  const auto decoder = LoadPromptDecoder(job.teacher, {.onnxruntime = job.vote.onnxruntime});
  const Mask mask = decoder->Decode(encoder->Encode(rgb, control.stop), rgb.width, rgb.height, prompt);
  ImageU8 rgba(rgb.width, rgb.height, 4);
  for (size_t i = 0; i < rgb.num_pixels(); ++i) {
    if (mask.binary.data[i] == 0) continue;
    std::copy_n(rgb.data.data() + 3 * i, 3, rgba.data.data() + 4 * i);
    rgba.data[4 * i + 3] = 255;
  }
  return rgba;
}

// x0 y0 x1 y1 (exclusive) of what is not transparent.
std::array<int, 4> BoxOf(const ImageU8& rgba, const std::string& where) {
  std::array<int, 4> box = {rgba.width, rgba.height, 0, 0};
  for (int y = 0; y < rgba.height; ++y) {
    for (int x = 0; x < rgba.width; ++x) {
      if (rgba.At(x, y, 3) == 0) continue;
      box = {std::min(box[0], x), std::min(box[1], y), std::max(box[2], x + 1), std::max(box[3], y + 1)};
    }
  }
  if (box[2] == 0) throw InputError("{}: transparent everywhere: there is no object to look at", where);
  return box;
}

// A square of `side` pixels around the middle (x, y), transparent outside of the picture.
ImageU8 SquareAround(const ImageU8& rgba, double x, double y, int side) {
  ImageU8 square(side, side, 4);
  const int x0 = static_cast<int>(std::floor(x - 0.5 * side)),
            y0 = static_cast<int>(std::floor(y - 0.5 * side));
  for (int row = std::max(0, -y0); row < std::min(side, rgba.height - y0); ++row) {
    for (int column = std::max(0, -x0); column < std::min(side, rgba.width - x0); ++column)
      std::copy_n(&rgba.At(x0 + column, y0 + row), 4, &square.At(column, row));
  }
  return square;
}

// The picture of the object, square, with alpha.
ImageU8 ObjectPictureOf(const RenderJobOptions& job, const JobControl& control) {
  if (!fs::is_regular_file(job.run)) {
    throw InputError("{}: not a picture; --method {} shows one object that a PNG with alpha shows", job.run,
                     job.vote.method);
  }
  ImageU8 picture = ReadImage(job.run);
  if (!job.click.empty()) {
    picture = CutOut(picture, job, control);
    const std::array<int, 4> box = BoxOf(picture, job.run);
    const int side = static_cast<int>(std::ceil(kRoom * std::max(box[2] - box[0], box[3] - box[1])));
    return SquareAround(picture, 0.5 * (box[0] + box[2]), 0.5 * (box[1] + box[3]), side);
  }
  if (picture.channels != 4) {
    throw InputError(
        "{}: has no alpha, so that nobody knows what of it is the object. Give a PNG with alpha, or one "
        "click "
        "on the object, and SAM cuts it out: --click X,Y",
        job.run);
  }
  BoxOf(picture, job.run);
  if (picture.width == picture.height) return picture;
  return SquareAround(picture, 0.5 * picture.width, 0.5 * picture.height,
                      std::max(picture.width, picture.height));
}

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
  ObjectPicture picture{.rgba = ObjectPictureOf(job, control)};
  picture.camera = PinholeCamera(picture.rgba.width, picture.rgba.height, kFieldOfView);
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
