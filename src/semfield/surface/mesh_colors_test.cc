#include "semfield/surface/mesh_colors.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "semfield/image/pixels.h"
#include "semfield/surface/mesh_test_util.h"

namespace semfield {
namespace {

// Green wherever it is asked.
class GreenField : public RadianceField {
 public:
  explicit GreenField(float opacity) : opacity_(opacity) {}
  const SceneMap& scene_map() const override { return map_; }
  int latent_width() const override { return 0; }
  RenderedView Render(const Camera&, const Pose&, const RenderRequest&, const StopToken*) const override {
    return {};
  }
  RaySamples Weights(std::span<const Ray> rays, const WeightRequest&, const StopToken*) const override {
    RaySamples samples;
    samples.opacity.assign(rays.size(), opacity_);
    for (size_t i = 0; i < rays.size(); ++i) samples.rgb.insert(samples.rgb.end(), {0, opacity_, 0});
    return samples;
  }
  void Density(std::span<const Vec3>, std::span<float>, const StopToken*) const override {}

 private:
  SceneMap map_;
  float opacity_;
};

// Photos of a mesh as it is colored.
struct Photos {
  Photos(const Mesh& mesh, const std::vector<Vec3>& eyes) {
    const MeshRays rays(mesh);
    depths.reserve(eyes.size());
    for (const Vec3& eye : eyes) {
      const Camera camera = PinholeCamera(200, 200, 0.8);
      const Pose pose = LookAt(eye, Vec3::Zero(), {0.1, 0.2, 1});
      const MeshPicture picture = Picture(mesh, rays, camera, pose);
      depths.push_back({.view = static_cast<int>(depths.size()),
                        .camera = camera,
                        .world_from_camera = pose,
                        .depth = picture.depth});
      const auto image = std::make_shared<const ImageU8>(ToU8(picture.rgb));
      views.push_back({.depth = &depths.back(), .camera = camera, .image = [image] { return image; }});
    }
  }
  std::vector<DepthView> depths;
  std::vector<ColorView> views;
};

int Apart(const std::array<uint8_t, 3>& a, const std::array<uint8_t, 3>& b) {
  return std::max({std::abs(a[0] - b[0]), std::abs(a[1] - b[1]), std::abs(a[2] - b[2])});
}

const std::vector<Vec3> kAllAround = {{4, 0, 0}, {-4, 0, 0}, {0, 4, 0}, {0, -4, 0}, {0, 0, 4}, {0, 0, -4}};

TEST(ColorVertices, FindsTheColorsThatPhotosShow) {
  const Mesh sphere = SphereMesh(1, 48, 96);
  const Photos photos(sphere, kAllAround);
  Mesh mesh = sphere;
  mesh.colors.clear();
  const ColoringResult result = ColorVertices(photos.views, GreenField(1), 0.02, {}, &mesh);
  EXPECT_EQ(result.from_photos, mesh.num_vertices());
  EXPECT_EQ(result.from_field + result.from_neighbors, 0);
  for (int v = 0; v < mesh.num_vertices(); ++v) EXPECT_LT(Apart(mesh.colors[v], sphere.colors[v]), 12) << v;
}

// A box between camera and sphere must not leave its color on the sphere.
TEST(ColorVertices, WhatStandsInTheWayIsNotPaintedOnWhatIsBehind) {
  Mesh scene = SphereMesh(1, 48, 96);
  const int num_sphere = scene.num_vertices();
  Append(BoxMesh({2, -0.3, -0.3}, {2.2, 0.3, 0.3}), &scene);
  for (int v = num_sphere; v < scene.num_vertices(); ++v) scene.colors[v] = {255, 0, 255};
  const Photos photos(scene, {{4, 0, 0}});
  Mesh mesh = scene;
  const ColoringResult result = ColorVertices(photos.views, GreenField(1), 0.02, {}, &mesh);
  EXPECT_GT(result.from_photos, 100);
  EXPECT_GT(result.from_field, num_sphere / 2);
  int hidden = 0;
  for (int v = 0; v < num_sphere; ++v) {
    EXPECT_FALSE(Apart(mesh.colors[v], {255, 0, 255}) < 40) << v;
    if (mesh.vertices[v].x() > 0.97f) {  // behind the box
      EXPECT_EQ(mesh.colors[v], (std::array<uint8_t, 3>{0, 255, 0}));
      ++hidden;
    }
  }
  EXPECT_GT(hidden, 10);
}

TEST(ColorVertices, ExposureIsTakenBack) {
  const Mesh sphere = SphereMesh(1, 24, 48);
  Photos photos(sphere, {{4, 0, 0}});
  for (ColorView& view : photos.views) {
    const std::shared_ptr<const ImageU8> image = view.image();
    auto darker = std::make_shared<ImageU8>(*image);
    for (uint8_t& value : darker->data) value = static_cast<uint8_t>(value / 2);
    view.image = [darker] { return darker; };
    for (float& gain : view.exposure.log_gain) gain = std::log(0.5f);
  }
  Mesh mesh = sphere;
  ColorVertices(photos.views, GreenField(1), 0.02, {}, &mesh);
  for (int v = 0; v < mesh.num_vertices(); ++v) {
    if (mesh.vertices[v].x() <= 0.6f) continue;
    EXPECT_LT(Apart(mesh.colors[v], sphere.colors[v]), 20) << v;
  }
}

TEST(ColorVertices, WhatNobodyKnowsTakesAfterItsNeighbors) {
  const Mesh sphere = SphereMesh(1, 24, 48);
  const Photos photos(sphere, {{4, 0, 0}});
  Mesh mesh = sphere;
  const ColoringResult result = ColorVertices(photos.views, GreenField(0), 0.02, {}, &mesh);
  EXPECT_EQ(result.from_field, 0);
  EXPECT_EQ(result.from_photos + result.from_neighbors, mesh.num_vertices());
  EXPECT_GT(result.from_neighbors, 0);
  // The far pole is as the rim of what is seen: x about 0.
  for (int v = 0; v < mesh.num_vertices(); ++v) {
    if (mesh.vertices[v].x() >= -0.9f) continue;
    EXPECT_NEAR(mesh.colors[v][0], 160, 40) << v;
  }
}

}  // namespace
}  // namespace semfield
