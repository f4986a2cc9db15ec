#include "semfield/surface/surface_field.h"

#include <gtest/gtest.h>

#include <cmath>

#include "semfield/surface/mesh_test_util.h"

namespace semfield {
namespace {

// Of one density inside of a ball, colored by the distance along the ray at which it is looked at; rays that
// are marched say 0.25 in all colors.
class Ball : public RadianceField {
 public:
  Ball(double radius, float density) : radius_(radius), density_(density) {}
  const SceneMap& scene_map() const override { return map_; }
  int latent_width() const override { return 1; }
  RenderedView Render(const Camera&, const Pose&, const RenderRequest&, const StopToken*) const override {
    return {};
  }
  RaySamples Weights(std::span<const Ray> rays, const WeightRequest& request,
                     const StopToken*) const override {
    RaySamples samples;
    samples.ray_begin.assign(rays.size() + 1, 0);
    for (size_t r = 0; r < rays.size(); ++r) {
      float through = request.spots != nullptr ? 1.0f : 0.5f, rgb = request.spots != nullptr ? 0.0f : 0.25f;
      for (int32_t i = request.spots ? request.spots->begin[r] : 0;
           i < (request.spots ? request.spots->begin[r + 1] : 0); ++i) {
        const float t = request.spots->t[i];
        const Vec3f place = Vec3f(rays[r].origin) + t * Vec3f(rays[r].direction);
        const float alpha = place.norm() < radius_ ? 1 - std::exp(-density_ * request.spots->dt[i]) : 0.0f;
        rgb += through * alpha * t;
        through *= 1 - alpha;
      }
      samples.opacity.push_back(1 - through);
      samples.distance.push_back(request.spots != nullptr ? 0.0f : 7.0f);
      for (int k = 0; request.rgb && k < 3; ++k) samples.rgb.push_back(rgb);
      if (request.latent) samples.latent.push_back(rgb);
    }
    return samples;
  }
  void Density(std::span<const Vec3> points, std::span<float> density, const StopToken*) const override {
    for (size_t i = 0; i < points.size(); ++i) density[i] = points[i].norm() < radius_ ? density_ : 0;
  }

 private:
  const SceneMap map_ = {.half_extent = 4};
  const double radius_;
  const float density_;
};

Ray RayFrom(float x, float y) {
  return {.origin = {x, y, 5}, .direction = {0, 0, -1}, .z_scale = 1};
}

TEST(SurfaceField, HasOneSampleWhereARayMeetsAFace) {
  const Ball ball(2, 100);
  const Mesh box = BoxMesh({-1, -1, -1}, {1, 1, 1});
  const SurfaceField field(ball, box, {.spacing = 0.1});
  const std::vector<Ray> rays = {RayFrom(0.5f, 0.25f), RayFrom(3, 0), RayFrom(-0.5f, 0)};
  const RaySamples samples = field.Weights(rays, {});
  EXPECT_EQ(samples.ray_begin, (std::vector<int32_t>{0, 1, 1, 2}));
  EXPECT_NEAR(samples.distance[0], 4, 1e-5f);
  EXPECT_NEAR(samples.x[0], 0.5f + 0.5f * 0.5f / 4, 1e-6f);
  EXPECT_NEAR(samples.z[0], 0.5f + 0.5f * 1.0f / 4, 1e-6f);
  EXPECT_EQ(samples.weight, (std::vector<float>{1, 1}));
  EXPECT_EQ(samples.opacity, (std::vector<float>{1, 0.5f, 1}));
  EXPECT_EQ(samples.distance[1], 7) << "what meets no face is the field's";
  EXPECT_TRUE(samples.rgb.empty());
}

TEST(SurfaceField, ColorsAreTheFieldsAroundTheFace) {
  const Ball ball(2, 1);
  const Mesh box = BoxMesh({-1, -1, -1}, {1, 1, 1});
  const SurfaceField field(ball, box, {.color_samples = 3, .spacing = 0.2});
  const std::vector<Ray> rays = {RayFrom(0, 0), RayFrom(3, 0)};
  const RaySamples samples = field.Weights(rays, {.rgb = true, .latent = true});
  // Three samples at 3.8, 4 and 4.2, as if nothing else were there.
  const float alpha = 1 - std::exp(-0.2f), left = 1 - alpha;
  const float expected = (3.8f + left * 4.0f + left * left * 4.2f) / (1 + left + left * left);
  for (int k = 0; k < 3; ++k) {
    EXPECT_NEAR(samples.rgb[k], expected, 1e-4f);
    EXPECT_FLOAT_EQ(samples.rgb[3 + k], 0.25f);
  }
  EXPECT_NEAR(samples.latent[0], expected, 1e-4f);
}

TEST(SurfaceField, WhereTheFieldIsEmptyAroundAFaceItIsMarched) {
  const Ball ball(0.5, 100);
  const Mesh box = BoxMesh({-1, -1, -1}, {1, 1, 1});
  const SurfaceField field(ball, box, {.spacing = 0.1});
  const std::vector<Ray> rays = {RayFrom(0, 0)};
  const RaySamples samples = field.Weights(rays, {.rgb = true});
  EXPECT_FLOAT_EQ(samples.rgb[0], 0.25f);
  EXPECT_FLOAT_EQ(samples.opacity[0], 0.5f);
  EXPECT_NEAR(samples.distance[0], 4, 1e-5f) << "the mesh is still where the surface is";
}

TEST(SurfaceField, FacesInAGapAreNotThere) {
  const Ball ball(2, 100);
  const Mesh box = BoxMesh({-1, -1, -1}, {1, 1, 1});
  const SurfaceField field(ball, box, {.spacing = 0.1});
  const std::vector<Ray> rays = {RayFrom(0.1f, 0.2f), RayFrom(0.1f, 0.2f), RayFrom(0.1f, 0.2f)};
  const RayGaps gaps{.begin = {0, 0, 1, 3}, .from = {3.5f, 5.5f, 3.5f}, .to = {4.5f, 6.5f, 4.5f}};
  const RaySamples samples = field.Weights(rays, {.gaps = &gaps});
  EXPECT_NEAR(samples.distance[0], 4, 1e-5f);
  EXPECT_NEAR(samples.distance[1], 6, 1e-5f);
  EXPECT_EQ(samples.distance[2], 7);
}

TEST(SurfaceField, PicturesHaveDepthAndTheNormalsOfFaces) {
  const Ball ball(2, 100);
  const Mesh box = BoxMesh({-1, -1, -1}, {1, 1, 1});
  const SurfaceField field(ball, box, {.spacing = 0.1});
  const Pose pose = LookAt({0, 0, 5}, Vec3::Zero(), {0, 1, 0});
  const RenderedView view =
      field.Render(PinholeCamera(41, 31, 0.9), pose, {.normals = true, .background = {1, 0, 0}});
  EXPECT_NEAR(view.depth.At(20, 15), 4, 1e-4f);
  EXPECT_NEAR(view.normals.At(20, 15, 2), 1, 1e-5f);
  EXPECT_FLOAT_EQ(view.rgb.At(0, 0, 0), 0.75f) << "marched, over the background";
  EXPECT_FLOAT_EQ(view.rgb.At(0, 0, 1), 0.25f);
}

}  // namespace
}  // namespace semfield
