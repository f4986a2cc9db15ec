#include "semfield/evaluation/teacher_view.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/parallel.h"
#include "semfield/base/stopwatch.h"
#include "semfield/field/teacher_image.h"
#include "semfield/image/pixels.h"

namespace semfield {

Camera ScoringCamera(const Camera& camera, int longest_side) {
  const int longest = std::max(camera.width, camera.height);
  if (longest <= longest_side) return camera;
  const double scale = static_cast<double>(longest_side) / longest;
  const auto shrunk = [&](int size) { return std::max(1, static_cast<int>(std::lround(size * scale))); };
  return camera.Resized(shrunk(camera.width), shrunk(camera.height));
}

TeacherView MakeTeacherView(const EvaluationScene& scene, const FeatureField& features, ImageEncoder& encoder,
                            int view, int longest_side) {
  const View& posed = scene.capture.views[view];
  TeacherView seen{.square =
                       SquareView(ScoringCamera(posed.camera, longest_side), features.space().resolution)};
  Stopwatch stopwatch;
  seen.render =
      RenderTeacherImage(scene.field, seen.square.square(), posed.world_from_camera, scene.background.data());
  seen.milliseconds["render"] = stopwatch.LapMilliseconds();
  seen.ours = RenderGrid(features, scene.field, seen.square.square(), posed.world_from_camera);
  seen.milliseconds["features"] = stopwatch.LapMilliseconds();
  seen.teacher = encoder.Encode(seen.render);
  seen.milliseconds["encode"] = stopwatch.LapMilliseconds();
  return seen;
}

ImageU8 PhotoThroughSquare(const EvaluationScene& scene, int view, const TeacherView& seen) {
  // Shrunk first by area average to about the square picture's scale, so that bilinear sampling does not
  // alias.
  const Camera& frame = seen.square.frame();
  const ImageF photo = Resize(PhotoOverBackground(scene, view), frame.width, frame.height);
  ImageU8 out = seen.render;
  ParallelFor(out.height, [&](int64_t y, int) {
    for (int x = 0; x < out.width; ++x) {
      const std::optional<Vec2> at = seen.square.FrameFromSquare({x + 0.5, static_cast<double>(y) + 0.5});
      if (!at || !frame.Contains(*at)) continue;
      for (int c = 0; c < 3; ++c)
        out.At(x, static_cast<int>(y), c) = static_cast<uint8_t>(
            std::lround(255 * std::clamp(SampleBilinear(photo, at->x(), at->y(), c), 0.0f, 1.0f)));
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

Mask ClickMask(PromptDecoder& decoder, const FeatureMap& features, const SquareView& frame, const Vec2& click,
               Granularity granularity) {
  Prompt prompt;
  prompt.points.push_back({.x = click.x(), .y = click.y()});
  const int resolution = frame.square().width;
  return frame.ToFrame(DecodePrompt(decoder, features, resolution, SquarePrompt(frame, prompt), granularity));
}

}  // namespace semfield
