#include "semfield/ops/ray_marching.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "semfield/base/check.h"
#include "semfield/base/random.h"
#include "semfield/ops/ray_marching_reference.h"

namespace semfield::ops {
namespace {

constexpr int kResolution = 64;
constexpr int kRoom = 1 << 16;

SceneMap Bounded() {
  return {false, {0.3f, -0.2f, 0.1f}, 1.5f};
}
SceneMap Contracted() {
  return {true, {0.3f, -0.2f, 0.1f}, 1.5f};
}

// Blobs of occupied cells, so that both empty blocks and empty cells in occupied blocks occur, and a few lone
// cells.
OccupancyGrid BlobGrid(int resolution, uint64_t seed, int blobs = 12) {
  OccupancyGrid grid(resolution);
  Random random(seed);
  for (int blob = 0; blob < blobs; ++blob) {
    const int size = 1 + static_cast<int>(random.Below(7));
    int low[3];
    for (int& value : low) value = static_cast<int>(random.Below(resolution - size));
    for (int i = 0; i < size * size * size; ++i) {
      const int x = low[0] + i % size, y = low[1] + i / size % size, z = low[2] + i / (size * size);
      grid.density()[x + resolution * (y + resolution * z)] = 5;
    }
  }
  grid.Rebuild(1);
  return grid;
}

Ray RandomRay(Random& random, float spread) {
  Ray ray{};
  float norm = 0;
  do {
    norm = 0;
    for (int k = 0; k < 3; ++k) {
      ray.origin[k] = random.Uniform(-spread, spread);
      ray.direction[k] = random.Uniform(-1, 1);
      norm += ray.direction[k] * ray.direction[k];
    }
  } while (norm < 0.01f);
  for (float& d : ray.direction) d /= std::sqrt(norm);
  return ray;
}

struct Marched {
  std::vector<float> t, dt;
};

Marched March(const SceneMap& map, const OccupancyGrid& grid, const MarchOptions& options, const Ray& ray,
              float jitter) {
  Marched result{std::vector<float>(options.max_samples), std::vector<float>(options.max_samples)};
  const int count = MarchRay(map, grid, options, ray, jitter, {result.t.data(), result.dt.data()});
  EXPECT_LE(count, options.max_samples);
  result.t.resize(count);
  result.dt.resize(count);
  return result;
}

// Both walk in order: whatever one has and the other lacks must lie on a face of a cell, where rounding
// decides. Returns the number of common samples.
int ExpectSameSamples(const SceneMap& map, const OccupancyGrid& grid, const Ray& ray, const Marched& marched,
                      const std::vector<MarchedSample>& truth) {
  constexpr double kOnFace = 2e-4;
  size_t i = 0, j = 0;
  int common = 0;
  while (i < marched.t.size() || j < truth.size()) {
    const double a = i < marched.t.size() ? marched.t[i] : std::numeric_limits<double>::infinity();
    const double b = j < truth.size() ? truth[j].t : std::numeric_limits<double>::infinity();
    if (std::abs(a - b) < 1e-5 * (1 + b)) {
      EXPECT_NEAR(marched.dt[i], truth[j].dt, 1e-5 * truth[j].dt);
      ++i, ++j, ++common;
      continue;
    }
    EXPECT_LT(FindCell(map, grid, ray, std::min(a, b)).to_face, kOnFace)
        << (a < b ? "sample outside of the occupied cells" : "sample missed") << " at " << std::min(a, b);
    (a < b ? i : j)++;
  }
  return common;
}

struct Case {
  const char* name;
  bool contracted;
  float step, cone_angle, near_distance, far_distance, spread;
};

class RayMarchingTest : public testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(Settings, RayMarchingTest,
                         testing::Values(Case{"BoundedFine", false, 0.004f, 0, 0, 100, 3},
                                         Case{"BoundedCoarse", false, 0.11f, 0, 0.2f, 4, 3},
                                         Case{"BoundedInside", false, 0.01f, 0, 0.05f, 2, 1},
                                         Case{"BoundedCone", false, 0.004f, 0.01f, 0.1f, 50, 4},
                                         Case{"ContractedConstant", true, 0.02f, 0, 0.05f, 60, 2},
                                         Case{"ContractedCone", true, 0.003f, 1.0f / 256, 0.05f, 1000, 2},
                                         Case{"ContractedConeFromTheFirstStep", true, 0.001f, 0.02f, 0.5f,
                                              1000, 4},
                                         Case{"ContractedFarAway", true, 0.01f, 0.01f, 0.0f, 1e5f, 30}),
                         [](const auto& info) { return info.param.name; });

TEST_P(RayMarchingTest, EqualsBruteForceStepping) {
  const Case& c = GetParam();
  const SceneMap map = c.contracted ? Contracted() : Bounded();
  MarchOptions options;
  options.step = c.step;
  options.cone_angle = c.cone_angle;
  options.near_distance = c.near_distance;
  options.far_distance = c.far_distance;
  options.max_samples = kRoom;
  int common = 0;
  for (int round = 0; round < 3; ++round) {
    const OccupancyGrid grid = BlobGrid(round == 2 ? 40 : kResolution, 100 + round, 40);
    Random random(round);
    for (int i = 0; i < 300; ++i) {
      const Ray ray = RandomRay(random, c.spread);
      const float jitter = random.Uniform();
      const Marched marched = March(map, grid, options, ray, jitter);
      common +=
          ExpectSameSamples(map, grid, ray, marched, MarchRayReference(map, grid, options, ray, jitter));
      if (testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GT(common, 50);  // or the test says nothing
}

TEST_P(RayMarchingTest, EverythingOccupiedGivesEveryInterval) {
  const Case& c = GetParam();
  const SceneMap map = c.contracted ? Contracted() : Bounded();
  OccupancyGrid grid(kResolution);
  grid.Fill();
  MarchOptions options{c.near_distance, c.far_distance, c.step, c.cone_angle, kRoom, 0};
  Random random(5);
  for (int i = 0; i < 50; ++i) {
    const Ray ray = RandomRay(random, c.spread);
    const Marched marched = March(map, grid, options, ray, 0.5f);
    for (size_t k = 1; k < marched.t.size(); ++k) {  // no gaps
      ASSERT_NEAR(marched.t[k] - marched.t[k - 1], 0.5f * (marched.dt[k] + marched.dt[k - 1]),
                  2e-6 * (1 + marched.t[k]));
      ASSERT_NEAR(marched.dt[k], std::max(c.step, c.cone_angle * marched.t[k]), 1e-5 * marched.dt[k]);
    }
  }
}

TEST_P(RayMarchingTest, AxisParallelAndDiagonalRays) {
  const Case& c = GetParam();
  const SceneMap map = c.contracted ? Contracted() : Bounded();
  const OccupancyGrid grid = BlobGrid(kResolution, 7, 60);
  MarchOptions options{c.near_distance, c.far_distance, c.step, c.cone_angle, kRoom, 0};
  for (int code = 0; code < 27; ++code) {
    Ray ray{};
    float norm = 0;
    for (int k = 0, rest = code; k < 3; ++k, rest /= 3) {
      ray.direction[k] = static_cast<float>(rest % 3 - 1);
      norm += std::abs(ray.direction[k]);
    }
    if (norm == 0) continue;
    for (float& d : ray.direction) d /= std::sqrt(norm);
    for (int start = 0; start < 20; ++start) {
      Random random(start);
      for (int k = 0; k < 3; ++k) {  // the first from the very centre, along the diagonals of the contraction
        ray.origin[k] = map.center[k] + (start == 0 ? 0 : random.Uniform(-c.spread, c.spread));
      }
      const Marched marched = March(map, grid, options, ray, 0.25f);
      for (size_t i = 0; i < marched.t.size(); ++i)
        ASSERT_TRUE(std::isfinite(marched.t[i]) && marched.dt[i] > 0);
      // Along a diagonal from the centre every sample is on a face of all three axes at once.
      if (start > 0)
        ExpectSameSamples(map, grid, ray, marched, MarchRayReference(map, grid, options, ray, 0.25f));
    }
  }
}

TEST_P(RayMarchingTest, CellsCrossedForMoreThanTwoStepsGetSamples) {
  const Case& c = GetParam();
  const SceneMap map = c.contracted ? Contracted() : Bounded();
  const OccupancyGrid grid = BlobGrid(kResolution, 9, 40);
  MarchOptions options{c.near_distance, c.far_distance, c.step, c.cone_angle, kRoom, 0};
  Random random(6);
  for (int i = 0; i < 60; ++i) {
    const Ray ray = RandomRay(random, c.spread);
    const Marched marched = March(map, grid, options, ray, random.Uniform());
    MarchOptions fine = options;  // walks each cell in small steps to find how long the ray is in it
    fine.step = c.step / 8;
    fine.cone_angle = c.cone_angle / 8;
    const std::vector<MarchedSample> inside = MarchRayReference(map, grid, fine, ray, 0.5f);
    for (size_t first = 0; first < inside.size();) {
      const uint32_t cell = FindCell(map, grid, ray, inside[first].t).cell;
      size_t last = first;
      while (last + 1 < inside.size() && FindCell(map, grid, ray, inside[last + 1].t).cell == cell) ++last;
      const double step = std::max<double>(c.step, c.cone_angle * inside[last].t);
      if (inside[last].t - inside[first].t > 2 * step) {
        bool found = false;
        for (const float t : marched.t) found |= t >= inside[first].t && t <= inside[last].t;
        EXPECT_TRUE(found) << "cell " << cell << " at " << inside[first].t;
      }
      first = last + 1;
    }
  }
}

TEST_P(RayMarchingTest, SamplesAreTheSameEveryTime) {
  const Case& c = GetParam();
  const SceneMap map = c.contracted ? Contracted() : Bounded();
  const OccupancyGrid grid = BlobGrid(kResolution, 3, 40);
  MarchOptions options{c.near_distance, c.far_distance, c.step, c.cone_angle, kRoom, 0};
  Random random(8);
  for (int i = 0; i < 50; ++i) {
    const Ray ray = RandomRay(random, c.spread);
    const Marched a = March(map, grid, options, ray, 0.7f), b = March(map, grid, options, ray, 0.7f);
    EXPECT_EQ(a.t, b.t);
    EXPECT_EQ(a.dt, b.dt);
  }
}

TEST(MarchRayTest, EmptyGridAndMissesHaveNoSamples) {
  const OccupancyGrid empty(kResolution);
  OccupancyGrid full(kResolution);
  full.Fill();
  MarchOptions options;
  options.max_samples = kRoom;
  const Ray through{{0, 0, 0}, {0, 0, 1}, 1};
  EXPECT_TRUE(March(Bounded(), empty, options, through, 0.5f).t.empty());
  options.cone_angle = 0.004f;
  EXPECT_TRUE(March(Contracted(), empty, options, through, 0.5f).t.empty());
  EXPECT_TRUE(March(Bounded(), full, options, {{0, 9, 0}, {0, 0, 1}, 1}, 0.5f).t.empty());  // beside
  EXPECT_TRUE(March(Bounded(), full, options, {{0, 0, 9}, {0, 0, 1}, 1}, 0.5f).t.empty());  // behind
  EXPECT_TRUE(
      March(Bounded(), full, options, {{0, 0, -1e6f}, {0, 0, 1}, 1}, 0.5f).t.empty());  // beyond far_distance
}

TEST(MarchRayTest, SlabHasItsLengthOverStepSamples) {
  const SceneMap map{false, {0, 0, 0}, 1};
  OccupancyGrid grid(kResolution);
  for (size_t cell = 0; cell < grid.num_cells(); ++cell) {
    const size_t z = cell / (kResolution * kResolution);
    grid.density()[cell] = z >= 16 && z < 32;  // world z in [-0.5, 0)
  }
  grid.Rebuild(0.5f);
  MarchOptions options;
  options.step = 0.01f;
  const Marched marched = March(map, grid, options, {{0.01f, 0.02f, -3}, {0, 0, 1}, 1}, 0.5f);
  ASSERT_EQ(marched.t.size(), 50u);
  EXPECT_NEAR(marched.t.front(), 2.505, 1e-5);  // cube entry at 2, then 50 empty steps
  EXPECT_NEAR(marched.t.back(), 2.995, 1e-5);
}

TEST(MarchRayTest, JitterShiftsTheWholeLattice) {
  const SceneMap map{false, {0, 0, 0}, 1};
  OccupancyGrid grid(kResolution);
  grid.Fill();
  MarchOptions options;
  options.step = 0.01f;
  const Ray ray{{0.01f, 0.02f, 0}, {0, 0, 1}, 1};
  const Marched none = March(map, grid, options, ray, 0), half = March(map, grid, options, ray, 0.5f);
  EXPECT_NEAR(none.t[0], options.near_distance, 1e-6);
  for (size_t i = 0; i < half.t.size(); ++i) EXPECT_NEAR(half.t[i] - none.t[i], 0.005, 1e-6);
}

TEST(MarchRayTest, KeepsToMaxSamples) {
  OccupancyGrid grid(kResolution);
  grid.Fill();
  MarchOptions options;
  options.step = 0.001f;
  const Ray ray{{0, 0, 0}, {0.6f, 0, 0.8f}, 1};
  for (const int limit : {0, 1, 7, 100}) {
    options.max_samples = limit;
    EXPECT_EQ(March(Bounded(), grid, options, ray, 0.5f).t.size(), static_cast<size_t>(limit));
    EXPECT_EQ(March(Contracted(), grid, options, ray, 0.5f).t.size(), static_cast<size_t>(limit));
  }
}

TEST(MarchRayTest, StopsBehindTheOpticalDepth) {
  const SceneMap map{false, {0, 0, 0}, 1};
  OccupancyGrid grid(kResolution);
  grid.density().Fill(50);
  grid.mean_density().Fill(50);
  grid.Rebuild(1);
  MarchOptions options;
  options.step = 0.01f;  // half an optical depth a sample
  options.stop_optical_depth = 10.2f;
  EXPECT_EQ(March(map, grid, options, {{0.01f, 0.02f, -0.9f}, {0, 0, 1}, 1}, 0.5f).t.size(), 21u);
  options.stop_optical_depth = 0;
  EXPECT_GT(March(map, grid, options, {{0.01f, 0.02f, -0.9f}, {0, 0, 1}, 1}, 0.5f).t.size(), 150u);
}

TEST(MarchRayTest, BrokenRaysAndLimitsEnd) {
  OccupancyGrid grid = BlobGrid(kResolution, 1);
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(),
                  kInf = std::numeric_limits<float>::infinity();
  MarchOptions options;
  for (const SceneMap& map : {Bounded(), Contracted()}) {
    for (const float bad : {kNan, kInf, -kInf}) {
      EXPECT_TRUE(March(map, grid, options, {{bad, 0, 0}, {0, 0, 1}, 1}, 0.5f).t.empty());
      EXPECT_TRUE(March(map, grid, options, {{0, 0, 0}, {0, bad, 1}, 1}, 0.5f).t.empty());
    }
    MarchOptions endless = options;
    endless.far_distance = kInf;
    for (const float cone : {0.0f, 1e-12f, 0.004f}) {
      endless.cone_angle = cone;
      const Marched marched = March(map, grid, endless, {{0, 0, 0}, {0, 0.6f, 0.8f}, 1}, 0.5f);
      for (const float t : marched.t) EXPECT_TRUE(std::isfinite(t));
    }
  }
  options.step = 0;
  EXPECT_THROW(March(Bounded(), grid, options, {{0, 0, 0}, {0, 0, 1}, 1}, 0.5f), BugError);
}

}  // namespace
}  // namespace semfield::ops
