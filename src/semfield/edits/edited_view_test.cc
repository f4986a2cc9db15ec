#include "semfield/edits/edited_view.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>

#include "semfield/edits/thing_rays.h"
#include "semfield/surface/mesh_test_util.h"

namespace semfield {
namespace {

constexpr float kVoxel = 0.02f;

void Add(const Mesh& part, std::array<uint8_t, 3> color, Mesh* mesh) {
  const int first = mesh->num_vertices();
  mesh->vertices.insert(mesh->vertices.end(), part.vertices.begin(), part.vertices.end());
  mesh->colors.insert(mesh->colors.end(), part.vertices.size(), color);
  for (const auto& face : part.faces)
    mesh->faces.push_back({face[0] + first, face[1] + first, face[2] + first});
}

// A square across z with its front towards -z, where the cameras of these tests stand.
Mesh Wall(float x0, float x1, float y0, float y1, float z) {
  Mesh wall;
  wall.vertices = {{x0, y0, z}, {x1, y0, z}, {x1, y1, z}, {x0, y1, z}};
  wall.faces = {{0, 2, 1}, {0, 3, 2}};
  return wall;
}

// A field whose density is a mesh: the first face that lies in no gap ends a ray.
class MeshField : public RadianceField {
 public:
  explicit MeshField(Mesh mesh) : mesh_(std::move(mesh)), rays_(mesh_) { map_.half_extent = 10; }
  const SceneMap& scene_map() const override { return map_; }
  int latent_width() const override { return 0; }
  RenderedView Render(const Camera& camera, const Pose& pose, const RenderRequest& request,
                      const StopToken*) const override {
    const std::vector<Ray> rays = MakeRays(camera, pose);
    const RaySamples samples = Weights(rays, {.rgb = true, .gaps = request.gaps}, nullptr);
    RenderedView view;
    view.rgb = ImageF(camera.width, camera.height, 3);
    view.normals = ImageF(camera.width, camera.height, 3);
    view.depth = view.opacity = ImageF(camera.width, camera.height, 1);
    view.opacity.data = samples.opacity;
    for (size_t r = 0; r < rays.size(); ++r) {
      view.depth.data[r] = samples.distance[r] * rays[r].z_scale;
      for (int k = 0; k < 3; ++k)
        view.rgb.data[3 * r + k] = samples.rgb[3 * r + k] + (1 - samples.opacity[r]) * request.background[k];
    }
    return view;
  }
  RaySamples Weights(std::span<const Ray> rays, const WeightRequest& request,
                     const StopToken*) const override {
    RaySamples samples;
    samples.ray_begin.assign(rays.size() + 1, 0);
    samples.rgb.assign(3 * rays.size(), 0);
    samples.distance.assign(rays.size(), 0);
    samples.opacity.assign(rays.size(), 0);
    for (size_t r = 0; r < rays.size(); ++r) {
      const Vec3f origin(rays[r].origin[0], rays[r].origin[1], rays[r].origin[2]),
          direction(rays[r].direction[0], rays[r].direction[1], rays[r].direction[2]);
      for (float from = 0;;) {
        const auto hit = rays_.Cast(origin + from * direction, direction);
        if (!hit) break;
        const float at = from + hit->distance;
        bool in_gap = false;
        for (int32_t i = request.gaps ? request.gaps->begin[r] : 0;
             i < (request.gaps ? request.gaps->begin[r + 1] : 0); ++i)
          in_gap = in_gap || (at >= request.gaps->from[i] && at < request.gaps->to[i]);
        from = at + 1e-4f;
        if (in_gap) continue;
        samples.distance[r] = at;
        samples.opacity[r] = 1;
        const auto color = ColorAt(mesh_, *hit);
        std::copy_n(color.begin(), 3, &samples.rgb[3 * r]);
        break;
      }
    }
    return samples;
  }
  void Density(std::span<const Vec3>, std::span<float> density, const StopToken*) const override {
    std::fill(density.begin(), density.end(), 0.0f);
  }

 private:
  const Mesh mesh_;
  const MeshRays rays_;
  SceneMap map_;
};

constexpr std::array<uint8_t, 3> kGreen = {0, 200, 0}, kRed = {200, 0, 0}, kPink = {255, 0, 255},
                                 kBlue = {0, 0, 200};

// A green wall at z = 4 of which the middle was never seen, a red box before it whose back was not either,
// and a field that made up something pink inside the box and in the hole. The camera looks along z from the
// origin.
class EditedViewTest : public testing::Test {
 protected:
  EditedViewTest() {
    Mesh& mesh = scene_.surface.mesh;
    for (const auto& [x0, x1, y0, y1] : {std::array<float, 4>{-3, -0.5f, -3, 3},
                                         {0.5f, 3, -3, 3},
                                         {-0.5f, 0.5f, -3, -0.5f},
                                         {-0.5f, 0.5f, 0.5f, 3}})
      Add(Wall(x0, x1, y0, y1, 4), kGreen, &mesh);
    const int first_face = mesh.num_faces();
    Add(Front(), kRed, &mesh);
    scene_.surface.voxel = kVoxel;
    scene_.faces.selections = {"box"};
    scene_.faces.owner.assign(mesh.faces.size(), -1);
    std::fill(scene_.faces.owner.begin() + first_face, scene_.faces.owner.end(), 0);
    scene_.taken = {0};
    Mesh all = mesh;
    Add(Wall(-0.2f, 0.2f, -0.2f, 0.2f, 2.2f), kPink, &all);
    Add(Wall(-0.5f, 0.5f, -0.5f, 0.5f, 4), kPink, &all);
    field_ = std::make_unique<MeshField>(all);
    part_ = {.name = "box", .owner = 0, .nodes = {{.name = "box", .mesh = Front()}}};
    for (size_t v = 0; v < part_.nodes[0].mesh.vertices.size(); ++v)
      part_.nodes[0].mesh.colors.push_back(kRed);
  }
  // What is seen of the box: all but its back, from 2 to 2.6 along z and 0.3 around the axis.
  static Mesh Front() {
    Mesh box = BoxMesh({-0.3, -0.3, 2}, {0.3, 0.3, 2.6});
    box.colors.clear();
    std::vector<char> keep(box.faces.size(), 1);
    for (int f = 0; f < box.num_faces(); ++f) keep[f] = box.Centroid(f).z() < 2.59;
    return Submesh(box, keep);
  }
  RenderedView Render() {
    scene_.parts = {part_};
    return EditedView(*field_, scene_).Render(camera_, {}, {.background = {1, 1, 1}});
  }
  // The middle of the picture is (60, 60); a unit at z = 4 is 30 pixels.
  static void Expect(const RenderedView& view, int x, int y, const std::array<float, 3>& rgb) {
    for (int k = 0; k < 3; ++k) EXPECT_NEAR(view.rgb.At(x, y, k), rgb[k], 1e-4) << x << ", " << y;
  }
  static std::array<float, 3> Of(const std::array<uint8_t, 3>& color) {
    return {color[0] / 255.0f, color[1] / 255.0f, color[2] / 255.0f};
  }
  static std::array<float, 3> Unseen(int x, int y) {
    const float shade = UnseenShade(x, y);
    return {shade, shade, shade};
  }

  const Camera camera_{.width = 121, .height = 121, .fx = 120, .fy = 120, .cx = 60.5, .cy = 60.5};
  EditedScene scene_;
  EditedPart part_;
  std::unique_ptr<MeshField> field_;
};

TEST_F(EditedViewTest, WithoutEditsItIsTheField) {
  const RenderedView view = Render(), plain = field_->Render(camera_, {}, {}, nullptr);
  EXPECT_EQ(view.rgb.data, plain.rgb.data);
  for (size_t i = 0; i < view.depth.data.size(); ++i)
    EXPECT_NEAR(view.depth.data[i], plain.depth.data[i], 1e-5);
}

TEST_F(EditedViewTest, BehindARemovedThingIsWhatWasSeenAndNothingInvented) {
  part_.is_there = false;
  part_.stands_as_found = false;
  scene_.taken = {1};
  const RenderedView view = Render();
  Expect(view, 60, 60, Unseen(60, 60));  // neither the box's inside nor the hole's filling
  EXPECT_EQ(view.depth.At(60, 60), 0);
  Expect(view, 60 - 16, 60, Of(kGreen));  // behind the box's side lay the seen wall
  EXPECT_NEAR(view.depth.At(60 - 16, 60), 4, 1e-4);
  Expect(view, 20, 60, Of(kGreen));
}

TEST_F(EditedViewTest, AMovedThingHidesAndIsHidden) {
  part_.stands_as_found = false;
  scene_.taken = {1};
  part_.place.topRightCorner<3, 1>() = Vec3(1, 0, 1);  // from 3 to 3.6, 1 to the right
  RenderedView view = Render();
  Expect(view, 60 + 40, 60, Of(kRed));
  EXPECT_NEAR(view.depth.At(60 + 40, 60), 3, 1e-4);
  Expect(view, 60, 60, Unseen(60, 60));
  part_.place.topRightCorner<3, 1>() = Vec3(1, 0, 2.5);  // behind the wall
  view = Render();
  Expect(view, 60 + 32, 60, Of(kGreen));
}

TEST_F(EditedViewTest, AScaledAndTurnedThingShowsWhatNobodySawOfIt) {
  part_.stands_as_found = false;
  part_.place.topLeftCorner<3, 3>() =
      0.5 * Eigen::AngleAxisd(M_PI, Vec3::UnitY()).toRotationMatrix();  // its back to the front
  part_.place.topRightCorner<3, 1>() = Vec3(-1, 0, 4.15);               // z from 2.85 to 3.15
  scene_.taken = {1};
  const RenderedView view = Render();
  const int x = 60 - 40;
  Expect(view, x, 60, Unseen(x, 60));
  EXPECT_NEAR(view.depth.At(x, 60), 3.15, 0.02);
}

TEST_F(EditedViewTest, ACopyLeavesTheThingWhereItIs) {
  part_.stands_as_found = false;
  part_.place.topRightCorner<3, 1>() = Vec3(1, 0, 0);
  const RenderedView view = Render();
  Expect(view, 60, 60, Of(kRed));
  Expect(view, 60 + 55, 60, Of(kRed));
}

TEST_F(EditedViewTest, PaintCoversTheThingAlone) {
  ThingPaint paint;
  paint.light = {0, 0, 1};
  const float red[3] = {kRed[0] / 255.0f, 0, 0};
  paint.brightness = LuminanceOf(red);
  part_.paint = paint;
  RenderedView view = Render();
  Expect(view, 60, 60, {0, 0, 1});
  Expect(view, 20, 60, Of(kGreen));
  // It goes along with the thing.
  part_.stands_as_found = false;
  scene_.taken = {1};
  part_.place.topRightCorner<3, 1>() = Vec3(1, 0, 0);
  view = Render();
  Expect(view, 60 + 55, 60, {0, 0, 1});
}

TEST_F(EditedViewTest, AMeshPutInStandsBeforeAndBehind) {
  EditedPart put{.name = "cube", .owner = -1, .stands_as_found = false};
  MeshNode node{.name = "cube", .mesh = BoxMesh({-0.2, -0.2, -0.2}, {0.2, 0.2, 0.2})};
  for (auto& color : node.mesh.colors) color = kBlue;
  put.nodes = {node};
  put.place.topRightCorner<3, 1>() = Vec3(0, 0, 1.5);
  scene_.parts = {part_, put};
  RenderedView view = EditedView(*field_, scene_).Render(camera_, {}, {});
  Expect(view, 60, 60, Of(kBlue));
  EXPECT_NEAR(view.depth.At(60, 60), 1.3, 1e-4);
  scene_.parts[1].place.topRightCorner<3, 1>() = Vec3(0, 0, 3.2);
  view = EditedView(*field_, scene_).Render(camera_, {}, {});
  Expect(view, 60, 60, Of(kRed));
  EXPECT_NEAR(view.depth.At(60, 60), 2, 1e-4);
}

TEST_F(EditedViewTest, TheRestOfTheMeshHasNotWhatWasTaken) {
  part_.stands_as_found = false;
  scene_.taken = {1};
  scene_.parts = {part_};
  EXPECT_EQ(RestOf(scene_, true).num_faces(), 8);
  scene_.taken = {0};
  part_.stands_as_found = true;
  scene_.parts = {part_};
  EXPECT_EQ(RestOf(scene_, true).num_faces(), 8 + Front().num_faces());
  EXPECT_EQ(RestOf(scene_, false).num_faces(), 8);
}

TEST(PlacementOf, TurnsAndScalesAboutTheBase) {
  const Edit edit{.move = {1, 0, 0}, .turn = 90, .scale = 2, .up = Vec3::UnitZ()};
  const Vec3 base(5, 5, 0);
  const auto placed = [&](const Vec3& p) -> Vec3 {
    return (PlacementOf(edit, base) * p.homogeneous()).head<3>();
  };
  EXPECT_LT((placed(base) - Vec3(6, 5, 0)).norm(), 1e-12);
  // East becomes north as seen from above.
  EXPECT_LT((placed(base + Vec3(1, 0, 3)) - Vec3(6, 7, 6)).norm(), 1e-12);
}

}  // namespace
}  // namespace semfield
