#include "semfield/evaluation/teacher_view.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/parallel.h"
#include "semfield/base/stopwatch.h"
#include "semfield/field/teacher_image.h"
#include "semfield/image/pixels.h"

namespace semfield {
namespace {

Prompt SquareClick(const SquareView& frame, const Vec2& click) {
  Prompt prompt;
  prompt.points.push_back({.x = click.x(), .y = click.y()});
  return SquarePrompt(frame, prompt);
}

}  // namespace

Camera ScoringCamera(const Camera& camera, int longest_side) {
  const int longest = std::max(camera.width, camera.height);
  if (longest <= longest_side) return camera;
  const double scale = static_cast<double>(longest_side) / longest;
  const auto shrunk = [&](int size) { return std::max(1, static_cast<int>(std::lround(size * scale))); };
  return camera.Resized(shrunk(camera.width), shrunk(camera.height));
}

TeacherView MakeTeacherView(const EvaluationScene& scene, const FeatureField& features, ImageEncoder& encoder,
                            int view, int longest_side, const StopToken* stop) {
  const View& posed = scene.capture.views[view];
  TeacherView seen{.square = SquareView(ScoringCamera(posed.camera, longest_side), kReferenceResolution)};
  Stopwatch stopwatch;
  seen.render = RenderTeacherImage(scene.field, seen.square.square(), posed.world_from_camera,
                                   scene.background.data(), stop);
  seen.milliseconds["render"] = stopwatch.LapMilliseconds();
  seen.ours = RenderGrid(features, scene.field, seen.square.square(), posed.world_from_camera, stop);
  seen.milliseconds["features"] = stopwatch.LapMilliseconds();
  seen.teacher = encoder.Encode(seen.render, stop);
  seen.milliseconds["encode"] = stopwatch.LapMilliseconds();
  return seen;
}

ImageU8 PhotoThroughSquare(const EvaluationScene& scene, int view, const TeacherView& seen,
                           const std::array<double, 3>& outside) {
  // Shrunk first by area average to about the square picture's scale, so that bilinear sampling does not
  // alias.
  const Camera& frame = seen.square.frame();
  const ImageF photo = Resize(PhotoOverBackground(scene, view), frame.width, frame.height);
  ImageU8 out(seen.render.width, seen.render.height, 3);
  ParallelFor(out.height, [&](int64_t y, int) {
    for (int x = 0; x < out.width; ++x) {
      const std::optional<Vec2> at = seen.square.FrameFromSquare({x + 0.5, static_cast<double>(y) + 0.5});
      const bool is_inside = at && frame.Contains(*at);
      for (int c = 0; c < 3; ++c) {
        const double value = is_inside ? 255 * SampleBilinear(photo, at->x(), at->y(), c) : outside[c];
        out.At(x, static_cast<int>(y), c) = static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
      }
    }
  });
  return out;
}

std::vector<bool> TokensInFrame(const SquareView& square, int grid) {
  std::vector<bool> inside(static_cast<size_t>(grid) * grid);
  const double step = static_cast<double>(square.square().width) / grid;
  for (int row = 0; row < grid; ++row) {
    for (int column = 0; column < grid; ++column) {
      const std::optional<Vec2> at = square.FrameFromSquare({(column + 0.5) * step, (row + 0.5) * step});
      inside[static_cast<size_t>(row) * grid + column] = at && square.frame().Contains(*at);
    }
  }
  return inside;
}

std::optional<Mask> ClickMask(PromptDecoder& decoder, const FeatureMap& features, const SquareView& frame,
                              const Vec2& click, Granularity granularity) {
  const Prompt prompt = SquareClick(frame, click);
  if (prompt.points.empty()) return std::nullopt;
  return frame.ToFrame(DecodePrompt(decoder, features, frame.square().width, prompt, granularity));
}

std::vector<Mask> ClickMasks(PromptDecoder& decoder, const FeatureMap& features, const SquareView& frame,
                             const Vec2& click) {
  const Prompt prompt = SquareClick(frame, click);
  if (prompt.points.empty()) return {};
  const int side = frame.square().width;
  std::vector<Mask> masks = decoder.DecodeAll(features, side, side, prompt);
  for (Mask& mask : masks) mask = frame.ToFrame(mask);
  return masks;
}

}  // namespace semfield
