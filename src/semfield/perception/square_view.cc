#include "semfield/perception/square_view.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include <Eigen/Geometry>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"
#include "semfield/image/pixels.h"

namespace semfield {
namespace {

constexpr double kHalfOfWide = 50, kTurn = 80;  // degrees
constexpr float kNothing = -32;                 // logit of what no decoder was asked about

double Radians(double degrees) {
  return degrees * std::numbers::pi / 180;
}

Camera SquareCamera(double half_degrees, int resolution) {
  return PinholeCamera(resolution, resolution, 2 * Radians(half_degrees));
}

// Pixel positions over the whole frame, its border too.
template <class Visit>
void VisitPositions(const Camera& frame, const Visit& visit) {
  constexpr int kSteps = 64;
  for (int i = 0; i <= kSteps; ++i) {
    for (int j = 0; j <= kSteps; ++j) {
      visit(Vec2(static_cast<double>(frame.width) * j / kSteps,
                 static_cast<double>(frame.height) * i / kSteps));
    }
  }
}

bool FitsOneSquare(const Camera& frame) {
  const double least = std::cos(Radians(SquareView::kWidestDegrees));
  bool fits = true;
  VisitPositions(frame, [&](const Vec2& pixel) {
    const Vec3 d = frame.DirectionAt(pixel);
    // As EnclosingSquareCamera: along each axis of the picture.
    const double across = d.head<2>().cwiseAbs().maxCoeff();
    fits = fits && d.z() > 0 && d.z() >= least * std::hypot(across, d.z());
  });
  return fits;
}

}  // namespace

SquareView::SquareView(const Camera& frame, int resolution)
    : frame_(frame),
      square_(FitsOneSquare(frame) ? EnclosingSquareCamera(frame, resolution)
                                   : SquareCamera(kHalfOfWide, resolution)) {}

Pose SquareView::WorldFromSquare(const Pose& world_from_camera) const {
  Pose pose = world_from_camera;
  pose.rotation = pose.rotation * frame_from_square_;
  return pose;
}

std::optional<Vec2> SquareView::SquareFromFrame(const Vec2& pixel) const {
  const std::optional<Vec2> square =
      square_.Project(frame_from_square_.transpose() * frame_.DirectionAt(pixel));
  // A hair outside is inside: what lies on the border may be rounded there.
  const double hair = 1e-6 * square_.width;
  const auto is_inside = [&](double v) { return v >= -hair && v <= square_.width + hair; };
  if (!square || !is_inside(square->x()) || !is_inside(square->y())) return std::nullopt;
  return square;
}

std::optional<Vec2> SquareView::FrameFromSquare(const Vec2& pixel) const {
  return frame_.Project(frame_from_square_ * square_.DirectionAt(pixel));
}

double SquareView::Centrality(const Vec2& frame_pixel) const {
  return frame_from_square_.col(2).dot(frame_.DirectionAt(frame_pixel));
}

Mask SquareView::ToFrame(const Mask& square_mask) const {
  return MergeInFrame({this, 1}, {&square_mask, 1}, 0);
}

std::vector<SquareView> CoverWithSquares(const Camera& frame, int resolution) {
  std::vector<SquareView> squares = {SquareView(frame, resolution)};
  if (FitsOneSquare(frame)) return squares;
  const Camera square = SquareCamera(kHalfOfWide, resolution);
  for (const Vec3& axis : {Vec3(0, 1, 0), Vec3(0, -1, 0), Vec3(1, 0, 0), Vec3(-1, 0, 0)}) {
    const SquareView turned(frame, square, Eigen::AngleAxisd(Radians(kTurn), axis).toRotationMatrix());
    bool is_needed = false;
    VisitPositions(frame, [&](const Vec2& pixel) {
      is_needed = is_needed || (!squares[0].SquareFromFrame(pixel) && turned.SquareFromFrame(pixel));
    });
    if (is_needed) squares.push_back(turned);
  }
  return squares;
}

namespace {

struct Seen {
  size_t index;   // of the square
  Vec2 position;  // in its pixels
};

std::optional<Seen> Look(std::span<const SquareView> squares, const Vec2& frame_pixel) {
  std::optional<Seen> best;
  double best_cosine = -2;
  for (size_t i = 0; i < squares.size(); ++i) {
    const double cosine = squares.size() == 1 ? 0 : squares[i].Centrality(frame_pixel);
    if (cosine <= best_cosine) continue;
    const std::optional<Vec2> position = squares[i].SquareFromFrame(frame_pixel);
    if (!position) continue;
    best = Seen{i, *position};
    best_cosine = cosine;
  }
  return best;
}

}  // namespace

std::optional<size_t> MostCentral(std::span<const SquareView> squares, const Vec2& frame_pixel) {
  const std::optional<Seen> seen = Look(squares, frame_pixel);
  return seen ? std::optional<size_t>(seen->index) : std::nullopt;
}

double UnseenShare(std::span<const SquareView> squares) {
  const Camera& frame = squares[0].frame();
  std::vector<int64_t> unseen(frame.height);
  ParallelFor(frame.height, [&](int64_t y, int) {
    for (int x = 0; x < frame.width; ++x) unseen[y] += !MostCentral(squares, {x + 0.5, y + 0.5}).has_value();
  });
  const int64_t sum = std::accumulate(unseen.begin(), unseen.end(), int64_t{0});
  return static_cast<double>(sum) / (static_cast<double>(frame.width) * frame.height);
}

Mask MergeInFrame(std::span<const SquareView> squares, std::span<const Mask> masks, size_t home) {
  SF_CHECK_EQ(squares.size(), masks.size());
  const Camera& frame = squares[0].frame();
  Mask mask;
  mask.score = masks[home].score;
  mask.granularity = masks[home].granularity;
  mask.low_res_logits = masks[home].low_res_logits;
  mask.binary = ImageU8(frame.width, frame.height, 1);
  mask.logits = ImageF(frame.width, frame.height, 1);
  ParallelFor(frame.height, [&](int64_t y, int) {
    for (int x = 0; x < frame.width; ++x) {
      const Vec2 pixel(x + 0.5, static_cast<double>(y) + 0.5);
      const std::optional<Seen> seen = Look(squares, pixel);
      float logit = kNothing;
      if (seen && !masks[seen->index].logits.empty()) {
        const ImageF& logits = masks[seen->index].logits;
        const double scale = static_cast<double>(logits.width) / squares[seen->index].square().width;
        logit = SampleBilinear(logits, seen->position.x() * scale, seen->position.y() * scale);
      }
      mask.logits.At(x, static_cast<int>(y)) = logit;
      mask.binary.At(x, static_cast<int>(y)) = logit > 0 ? 255 : 0;
    }
  });
  return mask;
}

}  // namespace semfield
