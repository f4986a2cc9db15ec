#pragma once

#include <optional>
#include <vector>

#include "semfield/geometry/camera.h"
#include "semfield/geometry/pose.h"
#include "semfield/geometry/rays.h"
#include "semfield/perception/mask.h"

namespace semfield {

// The teacher always looks through a square pinhole at the frame's own position: this maps between the two
// pictures.
class SquareView {
 public:
  // resolution: pixels a side of the square picture.
  SquareView(const Camera& frame, int resolution);

  const Camera& frame() const { return frame_; }
  const Camera& square() const { return square_; }
  Vec2 SquareFromFrame(const Vec2& pixel) const;
  // Nothing when the frame's camera does not see that direction.
  std::optional<Vec2> FrameFromSquare(const Vec2& pixel) const;
  // A mask decoded on the square picture, seen in the frame (bilinear in its logits).
  Mask ToFrame(const Mask& square_mask) const;
  // Rays through the middles of the grid x grid tokens: token (i, j) is row i, column j.
  std::vector<Ray> TokenRays(const Pose& world_from_camera, int grid) const;

 private:
  Camera frame_;
  Camera square_;
};

}  // namespace semfield
