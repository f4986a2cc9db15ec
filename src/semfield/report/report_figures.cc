#include "semfield/report/report_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "semfield/evaluation/metrics.h"
#include "semfield/image/pixels.h"

namespace semfield {
namespace {

constexpr int kPictureSide = 480;
constexpr int kRenderSide = 640;
constexpr float kDifferenceRange = 0.25f;
constexpr std::array<uint8_t, 3> kMaskRed = {230, 40, 45};
constexpr std::array<uint8_t, 3> kClickGreen = {40, 220, 80};

ImageU8 ForPage(const ImageU8& picture) {
  const int longest = std::max(picture.width, picture.height);
  if (longest <= kPictureSide) return picture;
  const auto shrunk = [&](int size) { return std::max(1, (size * kPictureSide + longest / 2) / longest); };
  return Resize(picture, shrunk(picture.width), shrunk(picture.height));
}

// Depth as colours; black where nothing was hit.
ImageU8 DepthPicture(ImageF depth, float near, float far) {
  for (float& d : depth.data) {
    if (!(d > 0)) d = std::numeric_limits<float>::quiet_NaN();
  }
  return Colorize(depth, near, far);
}

// Near and far as the 2nd and 98th percentile of what was hit, so that a speck does not eat the colours.
std::pair<float, float> DepthRange(const ImageF& depth) {
  std::vector<float> hit;
  std::copy_if(depth.data.begin(), depth.data.end(), std::back_inserter(hit), [](float d) { return d > 0; });
  if (hit.empty()) return {0.0f, 1.0f};
  std::sort(hit.begin(), hit.end());
  return {hit[hit.size() / 50], hit[hit.size() - 1 - hit.size() / 50]};
}

ImageU8 Difference(const ImageF& a, const ImageF& b) {
  ImageF mean(a.width, a.height, 1);
  for (size_t i = 0; i < a.num_pixels(); ++i) {
    float sum = 0;
    for (size_t c = 0; c < 3; ++c) sum += std::abs(a.data[3 * i + c] - b.data[3 * i + c]);
    mean.data[i] = sum / 3;
  }
  return Colorize(mean, 0, kDifferenceRange);
}

ImageF TokensLast(const FeatureMap& map) {
  ImageF out(map.width, map.height, map.channels);
  const size_t tokens = out.num_pixels();
  for (size_t t = 0; t < tokens; ++t) {
    for (int c = 0; c < map.channels; ++c) out.data[t * map.channels + c] = map.data[c * tokens + t];
  }
  return out;
}

ImageU8 Enlarged(const ImageU8& picture, int side) {
  return ResizeNearest(picture, side, side);
}

// The square picture seen in the frame.
ImageU8 FrameOfSquare(const TeacherView& seen) {
  const Camera& frame = seen.square.frame();
  const ImageF source = ToFloat(seen.render);
  ImageF out(frame.width, frame.height, 3);
  for (int y = 0; y < frame.height; ++y) {
    for (int x = 0; x < frame.width; ++x) {
      const std::optional<Vec2> at = seen.square.SquareFromFrame({x + 0.5, y + 0.5});
      for (int c = 0; at && c < 3; ++c) out.At(x, y, c) = SampleBilinear(source, at->x(), at->y(), c);
    }
  }
  return ToU8(out);
}

ImageU8 ClickOverlay(const ImageU8& picture, const Mask& mask, const Vec2& click) {
  ImageU8 overlay = OverlayMask(picture, mask.binary, kMaskRed);
  DrawDot(overlay, click.x(), click.y(), std::max(4.0, picture.width / 90.0), kClickGreen);
  return ForPage(overlay);
}

}  // namespace

ReportRow ViewFigure(const EvaluationScene& scene, int view, const StopToken* stop) {
  const Camera camera = ScoringCamera(scene.store.CameraOf(view), kRenderSide);
  RenderRequest options;
  std::copy(scene.background.begin(), scene.background.end(), options.background);
  const RenderedView rendered =
      scene.field.Render(camera, scene.capture.views[view].world_from_camera, options, stop);
  ImageF photo = PhotoOverBackground(scene, view);
  if (photo.width != camera.width || photo.height != camera.height)
    photo = Resize(photo, camera.width, camera.height);
  const auto [near, far] = DepthRange(rendered.depth);
  ReportRow row{.title = scene.capture.views[view].name, .note = "", .pictures = {}};
  row.pictures.push_back({ForPage(ToU8(photo)), "photo"});
  row.pictures.push_back({ForPage(ToU8(rendered.rgb)), "rendering"});
  row.pictures.push_back({ForPage(DepthPicture(rendered.depth, near, far)),
                          fmt::format("z-depth, {:.2f} to {:.2f}", near, far)});
  row.pictures.push_back({ForPage(Difference(photo, rendered.rgb)), "difference"});
  return row;
}

const TeacherView& TeacherFigures::See(int view) {
  auto found = seen_.find(view);
  if (found == seen_.end()) {
    found =
        seen_.emplace(view, MakeTeacherView(scene_, features_, encoder_, view, options_.longest_side, stop_))
            .first;
  }
  return found->second;
}

ReportRow TeacherFigures::Features(int view) {
  const TeacherView& seen = See(view);
  const ImageF teacher = TokensLast(seen.teacher), ours = TokensLast(seen.ours);
  FeatureErrors errors;
  errors.Add(seen.ours, seen.teacher);
  ReportRow row{.title = scene_.capture.views[view].name,
                .note = fmt::format("MSE {:.5f}, cosine {:.3f}", errors.MeanSquared(), errors.MeanCosine()),
                .pictures = {}};
  const int side = seen.teacher.width * std::max(1, 384 / seen.teacher.width);
  row.pictures.push_back({Enlarged(PcaToRgb(ours, &teacher), side), "rendered features"});
  row.pictures.push_back({Enlarged(PcaToRgb(teacher), side), "the teacher's features"});
  return row;
}

ReportRow TeacherFigures::Click(int view, const Vec2& click) {
  const TeacherView& seen = See(view);
  const Camera& original = scene_.capture.views[view].camera;
  const Camera& frame = seen.square.frame();
  const Vec2 at(click.x() * frame.width / original.width, click.y() * frame.height / original.height);
  const std::optional<Mask> ours = ClickMask(decoder_, seen.ours, seen.square, at, options_.granularity);
  if (!ours)
    return {.title = scene_.capture.views[view].name,
            .note = "a click that the teacher cannot see",
            .pictures = {}};
  const Mask teacher = *ClickMask(decoder_, seen.teacher, seen.square, at, options_.granularity);
  const ImageU8 picture = FrameOfSquare(seen);
  ReportRow row{.title = scene_.capture.views[view].name,
                .note = fmt::format("click {:.0f}, {:.0f} · IoU {:.2f}", click.x(), click.y(),
                                    MaskIou(ours->binary, teacher.binary)),
                .pictures = {}};
  row.pictures.push_back({ClickOverlay(picture, *ours, at), "ours: rendered features"});
  row.pictures.push_back({ClickOverlay(picture, teacher, at), "teacher on the same rendering"});
  return row;
}

}  // namespace semfield
