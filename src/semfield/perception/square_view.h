#pragma once

#include <optional>
#include <span>
#include <vector>

#include "semfield/geometry/camera.h"
#include "semfield/geometry/pose.h"
#include "semfield/perception/mask.h"

namespace semfield {

// The teacher always looks through a square pinhole at the frame's own position: this maps between the two
// pictures.
class SquareView {
 public:
  // The square that looks where the frame looks, `resolution` pixels a side. It holds the whole frame where
  // that ends within kWidestDegrees of the axis; else it is the first of CoverWithSquares.
  SquareView(const Camera& frame, int resolution);
  // Half the widest field of view that one square picture may have: beyond, a pinhole stretches what it shows
  // so much that a teacher knows nothing by its look.
  static constexpr double kWidestDegrees = 75;

  const Camera& frame() const { return frame_; }
  const Camera& square() const { return square_; }
  // Where the square camera stands.
  Pose WorldFromSquare(const Pose& world_from_camera) const;
  // Nothing where the square camera does not see.
  std::optional<Vec2> SquareFromFrame(const Vec2& pixel) const;
  // Nothing when the frame's camera does not see that direction.
  std::optional<Vec2> FrameFromSquare(const Vec2& pixel) const;
  // Cosine of the angle between the square's axis and what a frame's pixel sees.
  double Centrality(const Vec2& frame_pixel) const;
  // A mask decoded on the square picture, seen in the frame (bilinear in its logits); false where the square
  // does not see.
  Mask ToFrame(const Mask& square_mask) const;

 private:
  friend std::vector<SquareView> CoverWithSquares(const Camera& frame, int resolution);
  SquareView(const Camera& frame, const Camera& square, const Mat3& frame_from_square)
      : frame_(frame), square_(square), frame_from_square_(frame_from_square) {}

  Camera frame_;
  Camera square_;
  Mat3 frame_from_square_ = Mat3::Identity();
};

// Squares that together see the frame: one where that can be. A wider frame (a fisheye lens) gets one of 100
// degrees along its axis and those of four others, turned by 80 degrees to its sides, that see something the
// first does not. Together they see up to 115 degrees off the axis in every direction.
std::vector<SquareView> CoverWithSquares(const Camera& frame, int resolution);

// Which of the squares sees a frame's pixel nearest to its axis; nothing where none sees it.
std::optional<size_t> MostCentral(std::span<const SquareView> squares, const Vec2& frame_pixel);

// Share of the frame's pixels that no square sees.
double UnseenShare(std::span<const SquareView> squares);

// One mask of the frame from those of its squares: every pixel from the square that sees it most centrally.
// Score and granularity are those of masks[home]. Empty masks (no logits) hold nothing.
Mask MergeInFrame(std::span<const SquareView> squares, std::span<const Mask> masks, size_t home);

}  // namespace semfield
