#include "semfield/edits/paint.h"

#include <gtest/gtest.h>

#include <cmath>

#include "semfield/image/srgb.h"
#include "semfield/surface/mesh_test_util.h"

namespace semfield {
namespace {

TEST(ThingPaint, KeepsTheShading) {
  ThingPaint paint;
  paint.light = {0.4, 0.1, 0.02};
  const float middle[3] = {0.5f, 0.5f, 0.5f};
  paint.brightness = LuminanceOf(middle);
  EXPECT_NEAR(paint.brightness, LinearFromSrgb(0.5), 1e-6);
  // As bright as the mean: the color itself. Half the light: half of it.
  const auto mean = paint.Shown(middle, Vec3::Zero(), Vec3::UnitZ());
  const auto stored = static_cast<float>(SrgbFromLinear(0.5 * LinearFromSrgb(0.5)));
  const float shadow[3] = {stored, stored, stored};
  const auto half = paint.Shown(shadow, Vec3::Zero(), Vec3::UnitZ());
  for (int k = 0; k < 3; ++k) {
    EXPECT_NEAR(LinearFromSrgb(mean[k]), paint.light[k], 1e-5);
    EXPECT_NEAR(LinearFromSrgb(half[k]), paint.light[k] / 2, 1e-5);
  }
}

// Left half red, right half blue; upper half of either darker.
ImageU8 Picture() {
  ImageU8 picture(32, 32, 3);
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 32; ++x) picture.At(x, y, x < 16 ? 0 : 2) = y < 16 ? 100 : 200;
  }
  return picture;
}

TEST(ThingPaint, APictureLiesOnTheSidesOfTheBox) {
  ThingPaint paint;
  paint.picture = Picture();
  paint.brightness = 1;
  paint.tile = 2;
  paint.corner = {10, 20, 30};
  const float white[3] = {1, 1, 1};
  // The side that looks along y: x goes to the right, z up, and the picture stands on the corner.
  const auto low_left = paint.Shown(white, {10.5, 77, 30.5}, {0.1, -1, 0}),
             high_right = paint.Shown(white, {11.5, 77, 31.5}, {0.1, -1, 0});
  EXPECT_NEAR(low_left[0], 200 / 255.0, 1e-3);
  EXPECT_NEAR(low_left[2], 0, 1e-3);
  EXPECT_NEAR(high_right[2], 100 / 255.0, 1e-3);
  EXPECT_NEAR(high_right[0], 0, 1e-3);
  // It repeats after two units.
  EXPECT_EQ(paint.Shown(white, {12.5, 77, 32.5}, {0, 1, 0}), low_left);
  // The side that looks along x: y in the place of x.
  EXPECT_NEAR(paint.Shown(white, {77, 21.5, 30.5}, {1, 0, 0})[2], 200 / 255.0, 1e-3);
}

TEST(ThingPaint, AMeshTakesItInItsVerticesAndTexels) {
  MeshNode node{.name = "box", .mesh = BoxMesh({-1, -1, -1}, {1, 1, 1})};
  for (auto& color : node.mesh.colors) color = {128, 128, 128};
  ThingPaint paint;
  paint.light = {0.5, 0, 0};
  paint.brightness = BrightnessOf(node.mesh);
  for (const Vec3f& p : node.mesh.vertices) node.uv.emplace_back(0.5f + 0.4f * p.x(), 0.5f + 0.4f * p.y());
  node.texture = ImageU8(16, 8, 3, 128);
  PaintNode(paint, &node);
  const auto red = static_cast<int>(std::lround(255 * SrgbFromLinear(0.5)));
  for (const auto& color : node.mesh.colors) {
    EXPECT_NEAR(color[0], red, 1);
    EXPECT_EQ(color[1], 0);
  }
  EXPECT_NEAR(node.texture.At(8, 4, 0), red, 1);
  EXPECT_EQ(node.texture.At(8, 4, 2), 0);
  // A texture that repeats cannot hold a picture by place: the vertices do.
  node.uv[0].x() = 3;
  paint.picture = Picture();
  PaintNode(paint, &node);
  EXPECT_TRUE(node.uv.empty());
}

}  // namespace
}  // namespace semfield
