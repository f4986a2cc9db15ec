#include "semfield/capture/ray_batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "semfield/capture/test_support.h"

namespace semfield {
namespace {

using namespace testing_support;

// n images whose pixel (x, y) of view i is (x, y, i): a ray's colour says where it came from.
class Sampler : public ::testing::Test {
 protected:
  void Make(int n, int width, int height, int channels = 3) {
    for (int i = 0; i < n; ++i) {
      ImageU8 image(width, height, channels, 51);
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          image.At(x, y, 0) = static_cast<uint8_t>(x);
          image.At(x, y, 1) = static_cast<uint8_t>(y);
          image.At(x, y, 2) = static_cast<uint8_t>(i);
        }
      }
      View view;
      view.image = folder_ / fmt::format("{}.png", i);
      WritePng(view.image, image);
      view.camera = PinholeCamera(width, height, 0.9);
      view.camera.cx += 0.7;
      view.world_from_camera = CirclePose(i, n);
      view.has_alpha = channels == 4;
      capture_.views.push_back(view);
      all_.push_back(i);
    }
  }
  static int At(const RayBatch& batch, size_t i, int channel) {
    return static_cast<int>(std::lround(batch.rgba[4 * i + channel] * 255));
  }
  // Every ray must start at its camera and project to the centre of the pixel its colour names.
  void CheckRays(const RayBatch& batch) {
    for (size_t i = 0; i < batch.size(); ++i) {
      ASSERT_EQ(At(batch, i, 2), batch.view[i]);
      const View& view = capture_.views[batch.view[i]];
      const Ray& ray = batch.rays[i];
      const Vec3 origin(ray.origin[0], ray.origin[1], ray.origin[2]);
      const Vec3 direction(ray.direction[0], ray.direction[1], ray.direction[2]);
      ASSERT_LT((origin - view.world_from_camera.translation).norm(), 1e-6);
      ASSERT_NEAR(direction.norm(), 1, 1e-6);
      const Vec3 in_camera = view.world_from_camera.Inverse() * (origin + 3 * direction);
      const auto pixel = view.camera.Project(in_camera);
      ASSERT_TRUE(pixel.has_value());
      ASSERT_NEAR(pixel->x(), At(batch, i, 0) + 0.5, 1e-3);
      ASSERT_NEAR(pixel->y(), At(batch, i, 1) + 0.5, 1e-3);
      ASSERT_NEAR(3 * ray.z_scale, in_camera.z(), 1e-5);
    }
  }
  RayBatch Draw(const ImageStore& store, size_t count, uint64_t seed = 1) {
    RaySampler sampler(capture_, store, all_);
    Random random(seed);
    RayBatch batch;
    sampler.Sample(0, random, count, &batch);
    return batch;
  }

  TempFolder folder_{"rays"};
  Capture capture_;
  std::vector<int> all_;
};

TEST_F(Sampler, RaysReprojectToTheirPixel) {
  Make(5, 40, 30);
  const ImageStore store(capture_);
  const RayBatch batch = Draw(store, 2000);
  ASSERT_EQ(batch.size(), 2000u);
  CheckRays(batch);
  for (size_t i = 0; i < batch.size(); ++i) EXPECT_EQ(batch.rgba[4 * i + 3], 1);
}

TEST_F(Sampler, RaysOfDistortedCamerasReprojectToTheirPixel) {
  Make(6, 40, 30);
  for (int i : {0, 1, 2}) capture_.views[i].camera.k1 = 0.1, capture_.views[i].camera.p1 = 0.01;
  for (int i : {3, 4}) capture_.views[i].camera.model = CameraModel::kFisheye;
  const ImageStore store(capture_);
  CheckRays(Draw(store, 2000));
}

TEST_F(Sampler, TableAgreesWithMakeRay) {
  Make(3, 20, 16);
  for (View& view : capture_.views) view.camera.k1 = -0.1;
  const ImageStore store(capture_);
  const RayBatch batch = Draw(store, 500);
  for (size_t i = 0; i < batch.size(); ++i) {
    const View& view = capture_.views[batch.view[i]];
    const Ray ray =
        MakeRay(view.camera, view.world_from_camera, Vec2(At(batch, i, 0) + 0.5, At(batch, i, 1) + 0.5));
    for (int k = 0; k < 3; ++k) EXPECT_NEAR(ray.direction[k], batch.rays[i].direction[k], 1e-6);
    EXPECT_NEAR(ray.z_scale, batch.rays[i].z_scale, 1e-6);
  }
}

TEST_F(Sampler, TriosAreThreePixelsInARowOrAColumnOfOneView) {
  Make(4, 40, 30);
  const ImageStore store(capture_);
  RaySampler sampler(capture_, store, all_);
  Random random(3);
  RayBatch batch;
  sampler.Sample(0, random, {.num_rays = 700, .num_trios = 200, .span = 0.2f}, &batch);
  ASSERT_EQ(batch.size(), 700u);
  ASSERT_EQ(batch.plainness.size(), 200u);
  CheckRays(batch);
  for (size_t k = 0; k < 200; ++k) {
    const size_t i = 3 * k;
    EXPECT_EQ(batch.view[i], batch.view[i + 1]);
    EXPECT_EQ(batch.view[i], batch.view[i + 2]);
    const int dx = At(batch, i + 1, 0) - At(batch, i, 0), dy = At(batch, i + 1, 1) - At(batch, i, 1);
    EXPECT_EQ(At(batch, i + 2, 0) - At(batch, i + 1, 0), dx);
    EXPECT_EQ(At(batch, i + 2, 1) - At(batch, i + 1, 1), dy);
    EXPECT_EQ(std::min(dx, dy), 0);
    EXPECT_TRUE(std::max(dx, dy) == 8 || std::max(dx, dy) == 4 || std::max(dx, dy) == 2) << dx << " " << dy;
    // These photos name their pixels by their colours: one step more of colour a pixel.
    EXPECT_NEAR(batch.plainness[k], std::clamp((30.0 - 2 * std::max(dx, dy)) / 20, 0.0, 1.0), 1e-5);
  }
}

TEST_F(Sampler, KnownDepthsAreThoseOfMapsAndPoints) {
  Make(4, 40, 30);
  for (View& view : capture_.views) {
    view.depth = folder_ / ("depth" + view.name + ".png");
    ImageU16 depth(40, 30, 1);
    for (int y = 0; y < 30; ++y) {
      for (int x = 0; x < 40; ++x) depth.At(x, y) = static_cast<uint16_t>(x == 7 ? 0 : 1000 + 10 * x + y);
    }
    WritePng16(view.depth, depth);
  }
  const ImageStore store(capture_);
  RayBatch batch;
  Random random(3);
  RaySampler(capture_, store, all_, {.depth = DepthSource::kMaps}).Sample(0, random, 500, &batch);
  for (size_t i = 0; i < 500; ++i) {
    const int x = At(batch, i, 0), y = At(batch, i, 1);
    EXPECT_NEAR(batch.depth[i], x == 7 ? 0 : 0.001 * (1000 + 10 * x + y), 1e-5);
  }
  const Vec3 point(0.1, -0.2, 0.3);
  capture_.points = {{.position = point, .error = 0.5f}};
  capture_.observations = {{.view = 1, .point = 0, .x = 20.5f, .y = 11.5f}};
  RaySampler sampler(capture_, store, {1}, {.depth = DepthSource::kPoints});
  sampler.Sample(0, random, {.num_rays = 60, .num_points = 20}, &batch);
  const double z = (capture_.views[1].world_from_camera.Inverse() * point).z();
  for (size_t i = 0; i < 60; ++i) EXPECT_NEAR(batch.depth[i], i < 20 ? z : 0, 1e-5);
  EXPECT_EQ(At(batch, 0, 0), 20);
  EXPECT_EQ(At(batch, 0, 1), 11);
}

TEST_F(Sampler, SameRandomStateGivesTheSameRays) {
  Make(4, 24, 20);
  const ImageStore store(capture_), small(capture_, 1, 3000);  // two of four
  for (const ImageStore* s : {&store, &small}) {
    const RayBatch a = Draw(*s, 1000, 9), b = Draw(*s, 1000, 9), c = Draw(*s, 1000, 10);
    EXPECT_EQ(std::memcmp(a.rays.data(), b.rays.data(), a.rays.size() * sizeof(Ray)), 0);
    EXPECT_EQ(a.rgba, b.rgba);
    EXPECT_EQ(a.view, b.view);
    EXPECT_NE(a.rgba, c.rgba);
  }
}

TEST_F(Sampler, EveryPixelIsEquallyLikely) {
  Make(3, 12, 10);
  // One view of another size: it must get rays by its area, not one view's share.
  WritePng(capture_.views[2].image, ImageU8(24, 20, 3, 2));
  capture_.views[2].camera = PinholeCamera(24, 20, 0.9);
  const ImageStore store(capture_);
  constexpr size_t kRays = 720000;  // a thousand a pixel
  const RayBatch batch = Draw(store, kRays);
  std::vector<int> per_view(3), counts(2 * 120);
  for (size_t i = 0; i < kRays; ++i) {
    ++per_view[batch.view[i]];
    if (batch.view[i] < 2) ++counts[batch.view[i] * 120 + At(batch, i, 1) * 12 + At(batch, i, 0)];
  }
  EXPECT_NEAR(per_view[2], kRays * 480.0 / 720, 5 * std::sqrt(kRays * 0.222));
  double chi_squared = 0;
  for (const int count : counts) chi_squared += (count - 1000.0) * (count - 1000.0) / 1000;
  EXPECT_NEAR(chi_squared, 240, 5 * std::sqrt(2 * 240.0));
}

TEST_F(Sampler, MaskedPixelsAreNeverDrawnAndTheRestEvenly) {
  Make(3, 16, 16);
  ImageU8 few(16, 16, 1, 0), most(16, 16, 1, 255);  // listed, and rejected
  for (int k = 0; k < 8; ++k) few.At(k, 3) = 255;
  for (int k = 0; k < 64; ++k) most.At(k % 16, k / 16) = 0;
  WritePng(folder_ / "few.png", few);
  WritePng(folder_ / "most.png", most);
  WritePng(folder_ / "none.png", ImageU8(16, 16, 1, 0));
  capture_.views[0].mask = folder_ / "few.png";
  capture_.views[1].mask = folder_ / "most.png";
  capture_.views[2].mask = folder_ / "none.png";
  const ImageStore store(capture_);
  const RayBatch batch = Draw(store, 200000);
  std::vector<int> counts(2 * 256);
  for (size_t i = 0; i < batch.size(); ++i) {
    const int x = At(batch, i, 0), y = At(batch, i, 1), v = batch.view[i];
    ASSERT_LT(v, 2);
    ASSERT_EQ((v == 0 ? few : most).At(x, y), 255);
    ++counts[v * 256 + y * 16 + x];
  }
  double chi_squared = 0;
  for (const int count : counts) {
    if (count > 0) chi_squared += (count - 1000.0) * (count - 1000.0) / 1000;
  }
  EXPECT_NEAR(chi_squared, 200, 5 * std::sqrt(400.0));

  capture_.views[0].mask = capture_.views[1].mask = folder_ / "none.png";
  const ImageStore blind(capture_);
  EXPECT_THROW(RaySampler(capture_, blind, all_), Error);
}

TEST_F(Sampler, OnlyTheGivenViewsAreDrawn) {
  Make(5, 16, 12);
  const ImageStore store(capture_);
  all_ = {1, 3};
  const RayBatch batch = Draw(store, 500);
  CheckRays(batch);
  for (const int view : batch.view) EXPECT_TRUE(view == 1 || view == 3);
  EXPECT_THROW(RaySampler(capture_, store, {}), Error);
}

TEST_F(Sampler, StaysWithinTheStoresMemoryAndUsesAllViewsAlike) {
  Make(8, 32, 24);
  constexpr size_t kOne = 32 * 24 * 3;
  constexpr int kSteps = 400;
  const ImageStore store(capture_, 1, 3 * kOne);
  const SamplerMemory memory = PlanSamplerMemory(capture_, store, all_);
  EXPECT_EQ(memory.all_bytes, 8 * kOne);
  EXPECT_EQ(memory.photo_bytes, 3 * kOne);
  EXPECT_EQ(memory.resident_frames, 2);
  EXPECT_EQ(memory.look_ahead, 1);
  RaySampler sampler(capture_, store, all_, {.seed = 7, .steps = kSteps, .samples_per_step = 20});
  RayBatch batch;
  std::vector<int> per_view(8);
  for (int step = 0; step < kSteps; ++step) {
    Random random(4, step);
    sampler.Sample(step, random, 80, &batch);
    EXPECT_LE(store.bytes_in_use(), 3 * kOne);
    CheckRays(batch);
    std::vector<int> in_step(8);
    for (const int view : batch.view) ++in_step[view], ++per_view[view];
    EXPECT_EQ(std::count_if(in_step.begin(), in_step.end(), [](int n) { return n > 0; }), 2);
  }
  for (const int count : per_view) EXPECT_NEAR(count, 4000, 5 * std::sqrt(4000.0));
}

// Which views a step sees hangs on neither the steps before it nor on speed.
TEST_F(Sampler, AResumedRotationGivesTheSameRays) {
  Make(9, 16, 12);
  const SamplerSchedule schedule = {.seed = 3, .steps = 100, .samples_per_step = 8};
  const ImageStore store(capture_, 1, 5 * 16 * 12 * 3), other(capture_, 1, 5 * 16 * 12 * 3);
  RaySampler whole(capture_, store, all_, schedule);
  RayBatch a, b;
  for (int step = 0; step < 100; ++step) {
    Random random(1, step);
    whole.Sample(step, random, 64, &a);
    if (step % 9 != 0) continue;
    RaySampler resumed(capture_, other, all_, schedule);
    Random again(1, step);
    resumed.Sample(step, again, 64, &b);
    EXPECT_EQ(a.rgba, b.rgba);
    EXPECT_EQ(a.view, b.view);
  }
}

TEST_F(Sampler, MemoryIsPlannedFromHeaders) {
  Make(4, 40, 20);
  capture_.views[0].camera.k1 = 0.1;
  capture_.views[1].camera.k1 = 0.1;
  WritePng(folder_ / "mask.png", ImageU8(40, 20, 1, 255));
  capture_.views[3].mask = folder_ / "mask.png";
  constexpr size_t kPixels = 40 * 20;
  const SamplerMemory all = PlanSamplerMemory(capture_, ImageStore(capture_), all_);
  EXPECT_EQ(all.all_bytes, 4 * 3 * kPixels + kPixels + kPixels / 2);
  EXPECT_EQ(all.photo_bytes, all.all_bytes);
  EXPECT_EQ(all.look_ahead, 0);
  EXPECT_EQ(all.resident_frames, 4);
  EXPECT_EQ(all.frame_bytes, 3 * kPixels + kPixels + kPixels / 2);
  EXPECT_EQ(all.table_bytes, 3 * sizeof(float) * kPixels);
  const SamplerMemory half = PlanSamplerMemory(capture_, ImageStore(capture_, 2), {0, 1});
  EXPECT_EQ(half.all_bytes, 2 * 3 * kPixels / 4);
}

TEST_F(Sampler, AlphaComesWithStraightColor) {
  Make(3, 16, 12, 4);
  const ImageStore store(capture_);
  const RayBatch batch = Draw(store, 300);
  CheckRays(batch);
  for (size_t i = 0; i < batch.size(); ++i) EXPECT_FLOAT_EQ(batch.rgba[4 * i + 3], 0.2f);
}

}  // namespace
}  // namespace semfield
