#include "semfield/perception/square_view.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"

namespace semfield {
namespace {

float SampleBilinear(const ImageF& image, double x, double y) {
  const double px = std::clamp(x - 0.5, 0.0, image.width - 1.0),
               py = std::clamp(y - 0.5, 0.0, image.height - 1.0);
  const int x0 = std::min(static_cast<int>(px), std::max(0, image.width - 2));
  const int y0 = std::min(static_cast<int>(py), std::max(0, image.height - 2));
  const int x1 = std::min(x0 + 1, image.width - 1), y1 = std::min(y0 + 1, image.height - 1);
  const float fx = static_cast<float>(px - x0), fy = static_cast<float>(py - y0);
  const float top = image.At(x0, y0) * (1 - fx) + image.At(x1, y0) * fx;
  const float bottom = image.At(x0, y1) * (1 - fx) + image.At(x1, y1) * fx;
  return top * (1 - fy) + bottom * fy;
}

}  // namespace

SquareView::SquareView(const Camera& frame, int resolution)
    : frame_(frame), square_(EnclosingSquareCamera(frame, resolution)) {}

Vec2 SquareView::SquareFromFrame(const Vec2& pixel) const {
  const Vec3 direction = frame_.DirectionAt(pixel);
  const std::optional<Vec2> square = square_.Project(direction);
  SF_CHECK(square.has_value());  // the square camera holds every pixel of the frame
  return *square;
}

std::optional<Vec2> SquareView::FrameFromSquare(const Vec2& pixel) const {
  return frame_.Project(square_.DirectionAt(pixel));
}

Mask SquareView::ToFrame(const Mask& square_mask) const {
  Mask mask;
  mask.score = square_mask.score;
  mask.granularity = square_mask.granularity;
  mask.low_res_logits = square_mask.low_res_logits;
  mask.binary = ImageU8(frame_.width, frame_.height, 1);
  mask.logits = ImageF(frame_.width, frame_.height, 1);
  const double scale = static_cast<double>(square_mask.logits.width) / square_.width;
  ParallelFor(frame_.height, [&](int64_t y, int) {
    for (int x = 0; x < frame_.width; ++x) {
      const Vec3 direction = frame_.DirectionAt({x + 0.5, y + 0.5});
      const std::optional<Vec2> square = square_.Project(direction);
      const float logit =
          square ? SampleBilinear(square_mask.logits, square->x() * scale, square->y() * scale) : -32.0f;
      mask.logits.At(x, static_cast<int>(y)) = logit;
      mask.binary.At(x, static_cast<int>(y)) = logit > 0 ? 255 : 0;
    }
  });
  return mask;
}

std::vector<Ray> SquareView::TokenRays(const Pose& world_from_camera, int grid) const {
  return MakeRays(square_.Resized(grid, grid), world_from_camera);
}

}  // namespace semfield
