#include "semfield/synthetic/synthetic.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "semfield/base/error.h"
#include "semfield/base/job_control.h"
#include "semfield/base/random.h"
#include "semfield/base/test_folder.h"
#include "semfield/capture/image_store.h"
#include "semfield/capture/test_support.h"
#include "semfield/synthetic/synthetic_shapes.h"

namespace semfield {
namespace {

using namespace testing_support;

SyntheticOptions Small(const std::string& scene) {
  SyntheticOptions options;
  options.scene = scene;
  options.views = 12;
  options.width = 48;
  options.height = 36;
  return options;
}

Shape MakeShape(Shape::Kind kind, const Vec3& center, const Vec3& half) {
  Shape shape;
  shape.kind = kind;
  shape.center = center;
  shape.half = half;
  return shape;
}

TEST(Shapes, HitsHaveTheirAnalyticDistanceAndNormal) {
  const Shape sphere = MakeShape(Shape::Kind::kSphere, Vec3(5, 0, 0), Vec3::Constant(2));
  auto hit = Intersect(sphere, Vec3::Zero(), Vec3::UnitX());
  ASSERT_TRUE(hit);
  EXPECT_NEAR(hit->distance, 3, 1e-12);
  EXPECT_LT((hit->normal + Vec3::UnitX()).norm(), 1e-12);
  hit = Intersect(sphere, Vec3(5, 0, 0), Vec3::UnitY());  // from inside
  ASSERT_TRUE(hit);
  EXPECT_NEAR(hit->distance, 2, 1e-12);
  EXPECT_LT((hit->normal + Vec3::UnitY()).norm(), 1e-12);
  EXPECT_FALSE(Intersect(sphere, Vec3::Zero(), -Vec3::UnitX()));
  EXPECT_FALSE(Intersect(sphere, Vec3(0, 2.01, 0), Vec3::UnitX()));

  Shape box = MakeShape(Shape::Kind::kBox, Vec3(4, 0, 0), Vec3(1, 1, 1));
  EXPECT_NEAR(Intersect(box, Vec3(0, 0.5, 0.5), Vec3::UnitX())->distance, 3, 1e-12);
  box.SetYaw(0.25 * std::numbers::pi);
  EXPECT_NEAR(Intersect(box, Vec3::Zero(), Vec3::UnitX())->distance, 4 - std::sqrt(2.0), 1e-9);

  const Shape can = MakeShape(Shape::Kind::kCylinder, Vec3(0, 0, 1), Vec3(0.5, 0.5, 1));
  hit = Intersect(can, Vec3(0.1, 0.2, 5), -Vec3::UnitZ());
  EXPECT_NEAR(hit->distance, 3, 1e-12);
  EXPECT_LT((hit->normal - Vec3::UnitZ()).norm(), 1e-12);
  EXPECT_NEAR(Intersect(can, Vec3(-3, 0, 1.5), Vec3::UnitX())->distance, 2.5, 1e-12);
  EXPECT_FALSE(Intersect(can, Vec3(-3, 0, 2.1), Vec3::UnitX()));
}

TEST(Shapes, EveryHitLiesOnTheSurfaceAndTheQuickTestNeverLies) {
  Random random(2);
  const auto vec = [&](double scale) {
    return Vec3(scale * random.Uniform(-1, 1), scale * random.Uniform(-1, 1), scale * random.Uniform(-1, 1));
  };
  int hits = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    Shape shape =
        MakeShape(static_cast<Shape::Kind>(trial % 3), vec(1), vec(0.5).cwiseAbs() + Vec3::Constant(0.1));
    shape.SetYaw(random.Uniform(0, 6));
    const Vec3 origin = vec(3), direction = (shape.center + vec(0.5) - origin).normalized();
    const auto hit = Intersect(shape, origin, direction);
    if (!hit) continue;
    ++hits;
    EXPECT_TRUE(MayHit(shape, origin, direction, hit->distance + 1e-6));
    const Vec3 p = shape.ToLocal(origin + hit->distance * direction);
    EXPECT_LT((p - hit->local).norm(), 1e-9);
    const Vec3 q = p.cwiseAbs().cwiseQuotient(shape.half);
    double surface = q.maxCoeff();
    if (shape.kind == Shape::Kind::kSphere) surface = p.norm() / shape.half.x();
    if (shape.kind == Shape::Kind::kCylinder) surface = std::max(p.head<2>().norm() / shape.half.x(), q.z());
    EXPECT_NEAR(surface, 1, 1e-9);
    EXPECT_NEAR(hit->normal.norm(), 1, 1e-9);
    EXPECT_LE(hit->normal.dot(direction), 1e-9);
  }
  EXPECT_GT(hits, 1500);
}

TEST(SyntheticScene, RoomIsClosedAndRichInLabels) {
  const SyntheticScene scene(Small("room"));
  EXPECT_GE(scene.instances().size(), 13u);  // the shell and at least ten objects
  std::set<int> seen;
  for (const auto& [camera, pose] : scene.Cameras()) {
    for (const Ray& ray : MakeRays(camera, pose)) {
      const SyntheticHit hit = scene.Trace(ray);
      ASSERT_TRUE(hit.hit);
      ASSERT_GT(hit.distance, 0.1f);
      seen.insert(hit.instance);
      ASSERT_EQ(hit.class_id, scene.instances().at(hit.instance).class_id);
      float facing = 0;
      for (int k = 0; k < 3; ++k) facing += hit.normal[k] * ray.direction[k];
      ASSERT_LE(facing, 1e-5f);
      for (int k = 0; k < 3; ++k) {
        const double at = ray.origin[k] + static_cast<double>(hit.distance) * ray.direction[k];
        ASSERT_GE(at, scene.Bounds().min[k] - 1e-4);
        ASSERT_LE(at, scene.Bounds().max[k] + 1e-4);
      }
    }
  }
  EXPECT_GE(seen.size(), 13u);
}

TEST(SyntheticScene, ObjectIsSeenWholeOnNothing) {
  for (const auto& [width, height] : {std::pair(48, 36), std::pair(30, 50)}) {
    SyntheticOptions options = Small("object");
    options.width = width;
    options.height = height;
    const SyntheticScene scene(options);
    EXPECT_GE(scene.instances().size(), 10u);
    for (const auto& [camera, pose] : scene.Cameras()) {
      const std::vector<Ray> rays = MakeRays(camera, pose);
      int hits = 0;
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          const bool hit = scene.Trace(rays[y * width + x]).hit;
          hits += hit;
          const bool border = x == 0 || y == 0 || x == width - 1 || y == height - 1;
          EXPECT_FALSE(border && hit);
        }
      }
      EXPECT_GT(hits, width * height / 12);
    }
  }
}

TEST(SyntheticScene, SeedDecidesEverything) {
  SyntheticOptions options = Small("room");
  const SyntheticScene a(options), b(options);
  options.seed = 2;
  const SyntheticScene c(options);
  EXPECT_EQ(a.Cameras()[3].second.translation, b.Cameras()[3].second.translation);
  EXPECT_NE(a.Cameras()[3].second.translation, c.Cameras()[3].second.translation);
  EXPECT_NE(a.Bounds().max, c.Bounds().max);
}

TEST(SyntheticScene, BadOptionsAreErrors) {
  for (const auto& spoil : std::vector<std::function<void(SyntheticOptions&)>>{
           [](auto& o) { o.scene = "garden"; }, [](auto& o) { o.views = 2; }, [](auto& o) { o.width = 0; },
           [](auto& o) { o.fov_y_degrees = 180; }, [](auto& o) { o.noise = std::nan(""); }}) {
    SyntheticOptions options = Small("room");
    spoil(options);
    EXPECT_THROW(SyntheticScene{options}, Error);
  }
}

class RoundTrip : public ::testing::TestWithParam<const char*> {};

// What is written and read again is the scene that was traced.
TEST_P(RoundTrip, CapturesHoldTheScene) {
  TempFolder folder("synthetic");
  const SyntheticOptions options = Small(GetParam());
  WriteSynthetic(options, folder.path());
  const SyntheticScene scene(options);
  const Capture capture = ReadCapture(folder.path());
  const auto cameras = scene.Cameras();
  ASSERT_EQ(capture.views.size(), cameras.size());
  EXPECT_EQ(capture.held_out.size(), 2u);
  EXPECT_EQ(capture.extent, SceneExtent::kBounded);
  EXPECT_GE((scene.Bounds().min - capture.bounds.min).minCoeff(), 0);
  EXPECT_EQ(capture.class_names, scene.class_names());
  ASSERT_EQ(capture.instances.size(), scene.instances().size());
  for (const auto& [id, label] : scene.instances()) {
    EXPECT_EQ(capture.instances.at(id).name, label.name);
    EXPECT_EQ(capture.instances.at(id).class_id, label.class_id);
  }
  const ImageStore store(capture);
  for (size_t i = 0; i < cameras.size(); ++i) {
    const View& view = capture.views[i];
    const auto& [camera, pose] = cameras[i];
    EXPECT_NEAR(view.camera.fx, camera.fx, 1e-9);
    EXPECT_NEAR(view.camera.cy, camera.cy, 1e-9);
    EXPECT_LT((view.world_from_camera.Matrix() - pose.Matrix()).cwiseAbs().maxCoeff(), 1e-9);
    const std::vector<Ray> rays = MakeRays(view.camera, view.world_from_camera);
    const ImageF depth = store.Depth(static_cast<int>(i));
    const ImageU16 instances = store.Instances(static_cast<int>(i)),
                   classes = store.Classes(static_cast<int>(i));
    int different = 0;  // rays along an edge may fall to either side after rounding
    for (size_t p = 0; p < rays.size(); ++p) {
      const SyntheticHit hit = scene.Trace(rays[p]);
      different += instances.data[p] != hit.instance || classes.data[p] != (hit.hit ? hit.class_id : 255) ||
                   std::abs(depth.data[p] - hit.distance * rays[p].z_scale) > 0.00051;
    }
    EXPECT_LE(different, 3);
  }
}
INSTANTIATE_TEST_SUITE_P(Scenes, RoundTrip, ::testing::Values("room", "object"));

TEST(WriteSynthetic, ImagesShowTheTracedColors) {
  TempFolder folder("synthetic");
  const SyntheticOptions options = Small("object");
  WriteSynthetic(options, folder.path());
  const SyntheticScene scene(options);
  const Capture capture = ReadCapture(folder.path());
  EXPECT_TRUE(capture.HasAlpha());
  EXPECT_EQ(capture.views[0].name, "test/r_0.png");
  const ImageStore store(capture);
  const auto image = store.Image(0);
  double squares = 0;
  int inside = 0;
  for (int y = 0; y < image->height; ++y) {
    for (int x = 0; x < image->width; ++x) {
      const View& view = capture.views[0];
      const SyntheticHit hit =
          scene.Trace(MakeRay(view.camera, view.world_from_camera, Vec2(x + 0.5, y + 0.5)));
      if (image->At(x, y, 3) != 255 || !hit.hit) continue;
      ++inside;
      for (int c = 0; c < 3; ++c) squares += std::pow(image->At(x, y, c) / 255.0 - hit.rgb[c], 2) / 3;
    }
  }
  ASSERT_GT(inside, 100);
  EXPECT_LT(std::sqrt(squares / inside), 0.12);  // the textures vary within a pixel
}

TEST(WriteSynthetic, NoiseHasTheDeviationAskedFor) {
  TempFolder clean_folder("synthetic"), noisy_folder("synthetic");
  SyntheticOptions options = Small("object");
  WriteSynthetic(options, clean_folder.path());
  options.noise = 5;
  WriteSynthetic(options, noisy_folder.path());
  const Capture clean = ReadCapture(clean_folder.path()), noisy = ReadCapture(noisy_folder.path());
  const auto a = ImageStore(clean).Image(3), b = ImageStore(noisy).Image(3);
  double squares = 0;
  int count = 0;
  for (size_t p = 0; p < a->num_pixels(); ++p) {
    for (int c = 0; c < 3; ++c) {
      const int value = a->data[4 * p + c];
      if (value < 25 || value > 230) continue;
      squares += std::pow(value - b->data[4 * p + c], 2);
      ++count;
    }
    EXPECT_EQ(a->data[4 * p + 3], b->data[4 * p + 3]);
  }
  EXPECT_NEAR(std::sqrt(squares / count), 5, 0.6);
}

TEST(WriteSynthetic, ReportsAndStopsBetweenViews) {
  const TestFolder folder;
  StopToken stop;
  int reports = 0;
  const JobControl control{.progress =
                               [&](const Progress& progress) {
                                 ++reports;
                                 EXPECT_EQ(progress.total, 200);
                                 stop.RequestStop();
                               },
                           .stop = &stop};
  EXPECT_THROW(WriteSynthetic({.views = 200, .width = 16, .height = 12}, folder / "room", false, control),
               Error);
  EXPECT_GE(reports, 1);
  EXPECT_LT(reports, 100);
  EXPECT_FALSE(std::filesystem::exists(folder / "room" / "transforms.json"));  // no half capture
}

TEST(WriteSynthetic, DoesNotOverwriteUnlessAllowed) {
  TempFolder folder("synthetic");
  SyntheticOptions options = Small("room");
  options.views = 3;
  WriteSynthetic(options, folder.path());
  EXPECT_THROW(WriteSynthetic(options, folder.path()), Error);
  options.scene = "object";
  WriteSynthetic(options, folder.path(), true);
  EXPECT_EQ(ReadCapture(folder.path()).views[0].name,
            "test/r_0.png");  // nothing of the room is left to be read
}

}  // namespace
}  // namespace semfield
