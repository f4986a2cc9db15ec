#include "semfield/scenes/rendering.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace semfield {
namespace {

constexpr int kCell = 4;

Camera Lens(int width, int height) {
  Camera camera;
  camera.width = width;
  camera.height = height;
  camera.fx = camera.fy = 60;
  camera.cx = 0.5 * width;
  camera.cy = 0.5 * height;
  return camera;
}

// A post 1 m away on the left third of the picture, and a wall behind it that is turned, at about 2.4 m.
double TrueDepth(const Camera& camera, double x, double y) {
  if (3 * x < camera.width) return 1;
  return 1 / (0.4 + 0.05 * x / camera.width + 0.03 * y / camera.height);
}

RenderedView Exact(const Camera& camera) {
  RenderedView view{.depth = ImageF(camera.width, camera.height, 1)};
  for (int y = 0; y < camera.height; ++y) {
    for (int x = 0; x < camera.width; ++x)
      view.depth.At(x, y) = static_cast<float>(TrueDepth(camera, x + 0.5, y + 0.5));
  }
  return view;
}

TEST(DepthOfFewRays, IsExactOnPlanesAndNeverBetweenThings) {
  const Camera camera = Lens(62, 50);  // the cell divides neither side
  const RenderedView view = DepthOfFewRays(camera, kCell, Exact);
  ASSERT_EQ(view.depth.width, camera.width);
  ASSERT_EQ(view.depth.height, camera.height);
  for (int y = 0; y < camera.height; ++y) {
    for (int x = 0; x < camera.width; ++x) {
      const float depth = view.depth.At(x, y);
      EXPECT_EQ(view.opacity.At(x, y), 1.0f);
      EXPECT_TRUE(depth == 1.0f || depth > 2) << x << ", " << y << ": " << depth;
      const bool beside_post = std::abs(x - camera.width / 3.0) < kCell;
      const bool at_border = std::min({x, y, camera.width - 1 - x, camera.height - 1 - y}) < kCell / 2;
      if (beside_post || at_border) continue;
      EXPECT_NEAR(depth, TrueDepth(camera, x + 0.5, y + 0.5), 1e-5) << x << ", " << y;
    }
  }
}

TEST(DepthOfFewRays, KeepsWhatHasNoSurface) {
  const RenderedView view = DepthOfFewRays(Lens(16, 16), kCell, [](const Camera& small) {
    RenderedView seen{.depth = ImageF(small.width, small.height, 1, 3.0f)};
    seen.depth.At(2, 1) = 0;
    return seen;
  });
  EXPECT_EQ(view.depth.At(2 * kCell + 1, kCell + 2), 0.0f);
  EXPECT_EQ(view.opacity.At(2 * kCell + 1, kCell + 2), 0.0f);
  EXPECT_FLOAT_EQ(view.depth.At(1, 1), 3.0f);
}

TEST(DepthOfFewRays, DoWhereDepthAloneIsAsked) {
  EXPECT_TRUE(FewRaysDo({.rgb = false, .fine = false}, Lens(32, 24), kCell));
  EXPECT_FALSE(FewRaysDo({.rgb = true, .fine = false}, Lens(32, 24), kCell));
  EXPECT_FALSE(FewRaysDo({.rgb = false, .normals = true, .fine = false}, Lens(32, 24), kCell));
  EXPECT_FALSE(FewRaysDo({.rgb = false}, Lens(32, 24), kCell));
  EXPECT_FALSE(FewRaysDo({.rgb = false, .fine = false}, Lens(4, 24), kCell));
}

}  // namespace
}  // namespace semfield
