#include "semfield/ops/hash_grid.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "semfield/base/check.h"
#include "semfield/ops/hash_grid_reference.h"
#include "semfield/ops/simd_target.h"

namespace semfield::ops {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// An array between two pages that may not be touched; it ends exactly at the second.
template <class T>
class GuardedArray {
 public:
  explicit GuardedArray(size_t size) : size_(size) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t inner = (size * sizeof(T) + page - 1) / page * page;
    mapped_ = inner + 2 * page;
    memory_ = static_cast<char*>(
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SF_CHECK(memory_ != MAP_FAILED);
    SF_CHECK_EQ(mprotect(memory_, page, PROT_NONE), 0);
    SF_CHECK_EQ(mprotect(memory_ + page + inner, page, PROT_NONE), 0);
    data_ = reinterpret_cast<T*>(memory_ + page + inner - size * sizeof(T));
  }
  ~GuardedArray() { munmap(memory_, mapped_); }
  GuardedArray(const GuardedArray&) = delete;
  GuardedArray& operator=(const GuardedArray&) = delete;
  T* data() { return data_; }
  T& operator[](size_t i) { return data_[i]; }
  size_t size() const { return size_; }

 private:
  char* memory_;
  size_t mapped_;
  T* data_;
  size_t size_;
};

struct Points {
  std::vector<float> x, y, z;
  void Add(float px, float py, float pz) {
    x.push_back(px);
    y.push_back(py);
    z.push_back(pz);
  }
  GridPoints view(int64_t begin, int64_t count) const {
    return {x.data() + begin, y.data() + begin, z.data() + begin, count};
  }
  GridPoints view() const { return view(0, size()); }
  int64_t size() const { return static_cast<int64_t>(x.size()); }
};

Points RandomPoints(int64_t count, std::mt19937& random) {
  std::uniform_real_distribution<float> uniform(0, 1);
  Points points;
  for (int64_t i = 0; i < count; ++i) {
    const float x = uniform(random), y = uniform(random), z = uniform(random);
    points.Add(x, y, z);
  }
  return points;
}

// Random points, corners and faces of the box, cell borders of the level, points outside, and no numbers at
// all.
Points AwkwardPoints(const HashGridLevel& level, std::mt19937& random) {
  Points points = RandomPoints(101, random);
  const float values[] = {0.0f,
                          -0.0f,
                          1.0f,
                          std::nextafter(1.0f, 0.0f),
                          std::nextafter(1.0f, 2.0f),
                          -3.0f,
                          7e30f,
                          1e-42f,
                          kNan,
                          -kNan,
                          kInfinity,
                          -kInfinity,
                          0.5f};
  for (const float a : values) {
    for (const float b : values) {
      points.Add(a, b, 0.3f);
      points.Add(0.7f, a, b);
      points.Add(b, 1.0f, a);
    }
  }
  for (uint32_t i = 1; i < std::min(level.resolution, 40u); ++i) {
    const float border = (static_cast<float>(i) - 0.5f) / level.scale;
    points.Add(border, 0.25f, std::nextafter(border, 0.0f));
    points.Add(0.1f, std::nextafter(border, 1.0f), border);
  }
  return points;
}

std::vector<float> RandomValues(size_t count, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

// Random parameters; the kernels' copy lies between guard pages.
struct Table {
  Table(const HashGridLayout& layout, std::mt19937& random) : half(layout.num_parameters) {
    std::uniform_real_distribution<float> uniform(-1, 1);
    for (size_t i = 0; i < layout.num_parameters; ++i) {
      half[i] = FloatToHalf(uniform(random));
      exact.push_back(HalfToFloat(half[i]));
    }
  }
  GuardedArray<Half> half;
  std::vector<double> exact;
};

// Position along an axis is rounded to single precision: an error of the weights that grows with the
// resolution.
double Tolerance(const HashGridLevel& level) {
  return 2e-6 + 1e-6 * level.scale;
}

// ---- Layout
// -----------------------------------------------------------------------------------------------------

TEST(HashGridLayout, LevelsFollowEachOtherAndHoldAllVertices) {
  const HashGridLayout layout = MakeHashGridLayout({8, 4, 17, 16, 2048});
  ASSERT_EQ(layout.levels.size(), 8u);
  EXPECT_EQ(layout.num_features(), 32);
  size_t offset = 0;
  for (const HashGridLevel& level : layout.levels) {
    EXPECT_EQ(level.offset, offset);
    EXPECT_EQ(level.num_entries % 16, 0u);
    EXPECT_LE(level.num_entries, 1u << 17);
    EXPECT_LE(std::floor(level.scale + 0.5f) + 2, level.resolution);
    const uint64_t vertices = uint64_t{level.resolution} * level.resolution * level.resolution;
    EXPECT_EQ(level.dense, vertices <= 1u << 17);
    if (level.dense) {
      EXPECT_GE(level.num_entries, vertices);
    } else {
      EXPECT_EQ(level.num_entries, 1u << 17);
    }
    offset += size_t{level.num_entries} * 4;
  }
  EXPECT_EQ(layout.num_parameters, offset);
  EXPECT_FLOAT_EQ(layout.levels.front().scale, 15.0f);
  EXPECT_FLOAT_EQ(layout.levels.back().scale, 2047.0f);
  EXPECT_FLOAT_EQ(layout.levels[3].scale, 127.0f);  // growth 2
}

TEST(HashGridLayout, RefusesNonsense) {
  const HashGridConfig good;
  EXPECT_NO_THROW(MakeHashGridLayout(good));
  const auto refused = [&](auto change) {
    HashGridConfig config = good;
    change(config);
    EXPECT_THROW(MakeHashGridLayout(config), BugError);
  };
  refused([](HashGridConfig& c) { c.num_levels = 0; });
  refused([](HashGridConfig& c) { c.num_levels = 1000; });
  refused([](HashGridConfig& c) { c.features_per_level = 3; });
  refused([](HashGridConfig& c) { c.log2_table_size = 31; });
  refused([](HashGridConfig& c) { c.log2_table_size = 0; });
  refused([](HashGridConfig& c) { c.base_resolution = 0; });
  refused([](HashGridConfig& c) { c.finest_resolution = 8; });
  refused([](HashGridConfig& c) { c.finest_resolution = 1 << 24; });
  EXPECT_THROW(HashGridForward(MakeHashGridLayout(good), 8, nullptr, {}, nullptr, 0), BugError);
}

// ---- Kernels against the reference, for every target and feature count
// -------------------------------------------

class HashGridTest : public testing::TestWithParam<std::tuple<std::string, int>> {
 protected:
  void SetUp() override { ForceTarget(std::get<0>(GetParam())); }
  void TearDown() override { ForceTarget(""); }
  int features() const { return std::get<1>(GetParam()); }
  // Two dense levels, three hashed ones.
  HashGridLayout SmallLayout() const { return MakeHashGridLayout({5, features(), 12, 6, 300}); }
  std::mt19937 random_{20240607};
};

TEST_P(HashGridTest, SmallLayoutHasBothKindsOfLevels) {
  const HashGridLayout layout = SmallLayout();
  EXPECT_TRUE(layout.levels.front().dense);
  EXPECT_FALSE(layout.levels.back().dense);
}

TEST_P(HashGridTest, ForwardEqualsReferenceForAnyPoint) {
  const HashGridLayout layout = SmallLayout();
  Table table(layout, random_);
  for (int l = 0; l < layout.config.num_levels; ++l) {
    const Points points = AwkwardPoints(layout.levels[l], random_);
    const size_t stride = points.size() + 5;
    std::vector<float> out(features() * stride, -77.0f);
    std::vector<double> expected(out.size());
    HashGridForward(layout, l, table.half.data(), points.view(), out.data(), stride);
    reference::HashGridForward(layout, l, table.exact.data(), points.view(), expected.data(), stride);
    for (int f = 0; f < features(); ++f) {
      for (int64_t i = 0; i < points.size(); ++i) {
        ASSERT_NEAR(out[f * stride + i], expected[f * stride + i], Tolerance(layout.levels[l]))
            << "level " << l << " feature " << f << " point " << points.x[i] << " " << points.y[i] << " "
            << points.z[i];
      }
      for (size_t i = points.size(); i < stride; ++i) ASSERT_EQ(out[f * stride + i], -77.0f);
    }
  }
}

TEST_P(HashGridTest, ForwardOfAnyCountWritesThatManyAndTheSameBits) {
  const HashGridLayout layout = SmallLayout();
  Table table(layout, random_);
  const Points points = RandomPoints(70, random_);
  for (const int l : {0, 4}) {
    std::vector<float> whole(features() * 70);
    HashGridForward(layout, l, table.half.data(), points.view(), whole.data(), 70);
    for (const int64_t count : {0, 1, 2, 7, 15, 16, 17, 31, 33, 64}) {
      GuardedArray<float> out(features() * count);
      GuardedArray<float> x(count), y(count), z(count);
      std::copy_n(points.x.data(), count, x.data());
      std::copy_n(points.y.data(), count, y.data());
      std::copy_n(points.z.data(), count, z.data());
      HashGridForward(layout, l, table.half.data(), {x.data(), y.data(), z.data(), count}, out.data(), count);
      for (int f = 0; f < features(); ++f) {
        for (int64_t i = 0; i < count; ++i)
          ASSERT_EQ(out[f * count + i], whole[f * 70 + i]) << count << " " << i;
      }
    }
  }
}

TEST_P(HashGridTest, DenseLevelReproducesLinearFunctions) {
  const HashGridLayout layout = MakeHashGridLayout({1, features(), 14, 16, 16});
  const HashGridLevel& level = layout.levels[0];
  ASSERT_TRUE(level.dense);
  // Integers below 2048 are exact in half precision.
  const int slope[3] = {3, -5, 7};
  std::vector<Half> table(layout.num_parameters);
  const uint32_t side = level.resolution;
  for (uint32_t i = 0; i < side * side * side; ++i) {
    const int value = slope[0] * static_cast<int>(i % side) + slope[1] * static_cast<int>(i / side % side) +
                      slope[2] * static_cast<int>(i / side / side);
    for (int f = 0; f < features(); ++f)
      table[i * features() + f] = FloatToHalf(static_cast<float>(value + 11 * f));
  }
  const Points points = RandomPoints(333, random_);
  std::vector<float> out(features() * 333);
  HashGridForward(layout, 0, table.data(), points.view(), out.data(), 333);
  for (int i = 0; i < 333; ++i) {
    const double p[3] = {points.x[i], points.y[i], points.z[i]};
    for (int f = 0; f < features(); ++f) {
      double value = 11 * f;
      for (int axis = 0; axis < 3; ++axis) value += slope[axis] * (p[axis] * level.scale + 0.5);
      ASSERT_NEAR(out[f * 333 + i], value, 2e-4);
    }
  }
}

TEST_P(HashGridTest, BackwardEqualsReferenceForAnyPoint) {
  const HashGridLayout layout = SmallLayout();
  for (int l = 0; l < layout.config.num_levels; ++l) {
    const Points points = AwkwardPoints(layout.levels[l], random_);
    const size_t stride = points.size() + 3;
    std::vector<float> d_out = RandomValues(features() * stride, random_);
    for (int64_t i = 0; i < points.size(); ++i) {  // some columns are zero, and one whole block
      if (i % 3 == 0 || (i >= 32 && i < 64)) {
        for (int f = 0; f < features(); ++f) d_out[f * stride + i] = i % 2 == 0 ? 0.0f : -0.0f;
      }
    }
    const std::vector<float> initial = RandomValues(layout.num_parameters, random_);
    GuardedArray<float> gradient(layout.num_parameters);
    std::copy(initial.begin(), initial.end(), gradient.data());
    std::vector<double> expected(initial.begin(), initial.end());
    const std::vector<double> exact(d_out.begin(), d_out.end());
    HashGridBackward(layout, l, points.view(), d_out.data(), stride, gradient.data());
    reference::HashGridBackward(layout, l, points.view(), exact.data(), stride, expected.data());
    const HashGridLevel& level = layout.levels[l];
    const size_t end = level.offset + size_t{level.num_entries} * features();
    for (size_t k = 0; k < layout.num_parameters; ++k) {
      if (k < level.offset || k >= end) {
        ASSERT_EQ(gradient[k], initial[k]) << "another level was touched";
      } else {
        // Hundreds of awkward points fall on the same few entries.
        ASSERT_NEAR(gradient[k], expected[k], 100 * Tolerance(level)) << "level " << l << " parameter " << k;
      }
    }
  }
}

TEST_P(HashGridTest, BackwardOfAnyCountReadsThatMany) {
  const HashGridLayout layout = SmallLayout();
  const Points points = RandomPoints(70, random_);
  for (const int64_t count : {0, 1, 2, 7, 15, 16, 17, 31, 33, 64}) {
    GuardedArray<float> d_out(features() * count);
    const std::vector<float> values = RandomValues(features() * count, random_);
    std::copy(values.begin(), values.end(), d_out.data());
    const std::vector<double> exact(values.begin(), values.end());
    std::vector<float> gradient(layout.num_parameters);
    std::vector<double> expected(layout.num_parameters);
    for (const int l : {0, 4}) {
      HashGridBackward(layout, l, points.view(70 - count, count), d_out.data(), count, gradient.data());
      reference::HashGridBackward(layout, l, points.view(70 - count, count), exact.data(), count,
                                  expected.data());
    }
    for (size_t k = 0; k < gradient.size(); ++k) ASSERT_NEAR(gradient[k], expected[k], 2e-3);
  }
}

// Points that share cells one after the other: all additions to one entry must arrive.
TEST_P(HashGridTest, BackwardOfCrowdedCellAddsEveryPoint) {
  const HashGridLayout layout = SmallLayout();
  Points points;
  for (int i = 0; i < 1000; ++i) points.Add(0.5f, 0.5f, 0.5f);
  for (int l = 0; l < layout.config.num_levels; ++l) {
    const std::vector<float> d_out(features() * 1000, 1.0f);
    std::vector<float> gradient(layout.num_parameters);
    HashGridBackward(layout, l, points.view(), d_out.data(), 1000, gradient.data());
    double total = 0;
    for (const float value : gradient) total += value;
    EXPECT_NEAR(total, 1000.0 * features(), 0.05 * features());
  }
}

// Points along rays stay in a cell for a while, with gaps where the gradient is zero.
TEST_P(HashGridTest, BackwardAlongRaysEqualsReference) {
  const HashGridLayout layout = SmallLayout();
  for (const float step : {1e-4f, 2e-3f, 1.5e-2f, 5e-2f}) {
    Points points;
    for (int i = 0; i < 1200; ++i) {
      const float t = static_cast<float>(i % 150) * step;
      points.Add(0.05f + 0.1f * t, 0.9f - t, 0.1f + static_cast<float>(i / 150) * 0.1f + 0.5f * t);
    }
    std::vector<float> d_out = RandomValues(features() * 1200, random_);
    for (int i = 600; i < 1200; ++i) {
      if (random_() % 4 != 0) continue;
      for (int f = 0; f < features(); ++f) d_out[f * 1200 + i] = 0;
    }
    const std::vector<double> exact(d_out.begin(), d_out.end());
    for (int l = 0; l < layout.config.num_levels; ++l) {
      std::vector<float> gradient(layout.num_parameters);
      std::vector<double> expected(layout.num_parameters);
      HashGridBackward(layout, l, points.view(), d_out.data(), 1200, gradient.data());
      reference::HashGridBackward(layout, l, points.view(), exact.data(), 1200, expected.data());
      const double tolerance = 100 * Tolerance(layout.levels[l]);
      for (size_t k = 0; k < gradient.size(); ++k)
        ASSERT_NEAR(gradient[k], expected[k], tolerance) << l << " " << k;
    }
  }
}

TEST_P(HashGridTest, GradientIsAdjointOfForward) {
  const HashGridLayout layout = SmallLayout();
  Table table(layout, random_);
  const Points points = RandomPoints(517, random_);
  for (int l = 0; l < layout.config.num_levels; ++l) {
    std::vector<float> out(features() * 517);
    const std::vector<float> d_out = RandomValues(out.size(), random_);
    std::vector<float> gradient(layout.num_parameters);
    HashGridForward(layout, l, table.half.data(), points.view(), out.data(), 517);
    HashGridBackward(layout, l, points.view(), d_out.data(), 517, gradient.data());
    double left = 0, right = 0;
    for (size_t i = 0; i < out.size(); ++i) left += double{out[i]} * d_out[i];
    for (size_t k = 0; k < gradient.size(); ++k) right += gradient[k] * table.exact[k];
    EXPECT_NEAR(left, right, 1e-3);
  }
}

TEST_P(HashGridTest, GradientEqualsCentralDifferences) {
  const HashGridLayout layout = MakeHashGridLayout({2, features(), 7, 3, 9});
  ASSERT_TRUE(layout.levels[0].dense);
  ASSERT_FALSE(layout.levels[1].dense);
  Table table(layout, random_);
  const Points points = RandomPoints(37, random_);
  std::vector<float> out(features() * 37);
  const std::vector<float> d_out = RandomValues(out.size(), random_);
  for (int l = 0; l < 2; ++l) {
    const auto loss = [&] {
      HashGridForward(layout, l, table.half.data(), points.view(), out.data(), 37);
      double sum = 0;
      for (size_t i = 0; i < out.size(); ++i) sum += double{out[i]} * d_out[i];
      return sum;
    };
    std::vector<float> gradient(layout.num_parameters);
    HashGridBackward(layout, l, points.view(), d_out.data(), 37, gradient.data());
    for (size_t k = 0; k < layout.num_parameters; ++k) {
      const Half before = table.half[k];
      table.half[k] = FloatToHalf(2.0f);  // the loss is linear: a large step is as good, and exact in half
      const double up = loss();
      table.half[k] = FloatToHalf(-2.0f);
      const double down = loss();
      table.half[k] = before;
      ASSERT_NEAR(gradient[k], (up - down) / 4, 2e-5) << "level " << l << " parameter " << k;
    }
  }
}

// ---- Quadrature fused in
// ----------------------------------------------------------------------------------------

struct RaySet {
  Points points;
  std::vector<float> weights;
  std::vector<int32_t> begin;
  int64_t count() const { return static_cast<int64_t>(begin.size()) - 1; }
  GridRays View() const { return {points.view(), weights.data(), begin.data(), count()}; }
};

// Rays of 0 to 40 points, some empty, the first point of the first ray not the first of all.
RaySet RandomRays(std::mt19937& random) {
  RaySet rays;
  const int lengths[] = {0, 1, 16, 0, 0, 40, 12, 3, 12, 12, 31, 0, 17, 5, 1, 1, 0};
  int32_t next = 3;
  for (const int length : lengths) {
    rays.begin.push_back(next);
    next += length;
  }
  rays.begin.push_back(next);
  rays.points = RandomPoints(next, random);
  rays.weights = RandomValues(next, random);
  for (int i = 20; i < next; i += 7) rays.weights[i] = 0;
  return rays;
}

TEST_P(HashGridTest, RaysForwardEqualsReferenceAndSumOfPoints) {
  const HashGridLayout layout = SmallLayout();
  Table table(layout, random_);
  const RaySet rays = RandomRays(random_);
  const size_t n = rays.points.size(), stride = rays.count() + 2;
  for (int l = 0; l < layout.config.num_levels; ++l) {
    std::vector<float> out(features() * stride, -77.0f), each(features() * n);
    std::vector<double> expected(out.size());
    HashGridRaysForward(layout, l, table.half.data(), rays.View(), out.data(), stride);
    reference::HashGridRaysForward(layout, l, table.exact.data(), rays.View(), expected.data(), stride);
    HashGridForward(layout, l, table.half.data(), rays.points.view(), each.data(), n);
    for (int f = 0; f < features(); ++f) {
      for (int64_t r = 0; r < rays.count(); ++r) {
        double sum = 0;
        for (int32_t i = rays.begin[r]; i < rays.begin[r + 1]; ++i)
          sum += double{each[f * n + i]} * rays.weights[i];
        ASSERT_NEAR(out[f * stride + r], sum, 2e-5) << "level " << l << " ray " << r;
        ASSERT_NEAR(out[f * stride + r], expected[f * stride + r], 30 * Tolerance(layout.levels[l]));
      }
      for (size_t r = rays.count(); r < stride; ++r) ASSERT_EQ(out[f * stride + r], -77.0f);
    }
  }
}

TEST_P(HashGridTest, RaysForwardGivesTheSameBitsHoweverRaysAreSplit) {
  const HashGridLayout layout = SmallLayout();
  Table table(layout, random_);
  const RaySet rays = RandomRays(random_);
  const size_t stride = rays.count();
  std::vector<float> whole(features() * stride), parts(features() * stride, kNan);
  HashGridRaysForward(layout, 4, table.half.data(), rays.View(), whole.data(), stride);
  for (int64_t r = 0; r < rays.count(); r += 3) {
    GridRays part = rays.View();
    part.begin += r;
    part.count = std::min<int64_t>(3, rays.count() - r);
    HashGridRaysForward(layout, 4, table.half.data(), part, parts.data() + r, stride);
  }
  EXPECT_EQ(whole, parts);
}

TEST_P(HashGridTest, RaysBackwardEqualsReferenceAndPoints) {
  const HashGridLayout layout = SmallLayout();
  const RaySet rays = RandomRays(random_);
  const size_t n = rays.points.size(), stride = rays.count() + 2;
  std::vector<float> d_out = RandomValues(features() * stride, random_);
  for (int f = 0; f < features(); ++f) d_out[f * stride + 6] = 0;  // a ray without gradient
  const std::vector<double> exact(d_out.begin(), d_out.end());
  std::vector<float> d_each(features() * n);
  for (int f = 0; f < features(); ++f) {
    for (int64_t r = 0; r < rays.count(); ++r) {
      for (int32_t i = rays.begin[r]; i < rays.begin[r + 1]; ++i) {
        d_each[f * n + i] = rays.weights[i] * d_out[f * stride + r];
      }
    }
  }
  for (int l = 0; l < layout.config.num_levels; ++l) {
    GuardedArray<float> gradient(layout.num_parameters);
    std::vector<float> by_points(layout.num_parameters);
    std::vector<double> expected(layout.num_parameters);
    HashGridRaysBackward(layout, l, rays.View(), d_out.data(), stride, gradient.data());
    HashGridBackward(layout, l, rays.points.view(), d_each.data(), n, by_points.data());
    reference::HashGridRaysBackward(layout, l, rays.View(), exact.data(), stride, expected.data());
    for (size_t k = 0; k < layout.num_parameters; ++k) {
      ASSERT_NEAR(gradient[k], by_points[k], 2e-5) << "level " << l << " parameter " << k;
      ASSERT_NEAR(gradient[k], expected[k], 30 * Tolerance(layout.levels[l]))
          << "level " << l << " parameter " << k;
    }
  }
}

TEST_P(HashGridTest, NoRaysAndOnlyEmptyRays) {
  const HashGridLayout layout = SmallLayout();
  Table table(layout, random_);
  const int32_t begin[] = {0, 0, 0};
  std::vector<float> out(features() * 2, kNan), gradient(layout.num_parameters);
  HashGridRaysForward(layout, 0, table.half.data(), {.points = {}, .begin = begin, .count = 0}, nullptr, 0);
  HashGridRaysForward(layout, 0, table.half.data(), {.points = {}, .begin = begin, .count = 2}, out.data(),
                      2);
  EXPECT_EQ(out, std::vector<float>(features() * 2, 0.0f));
  HashGridRaysBackward(layout, 0, {.points = {}, .begin = begin, .count = 2}, out.data(), 2, gradient.data());
  EXPECT_EQ(gradient, std::vector<float>(layout.num_parameters, 0.0f));
  const int32_t too_many[] = {0, 5};
  EXPECT_THROW(HashGridRaysForward(layout, 0, table.half.data(),
                                   {.points = {}, .begin = too_many, .count = 1}, out.data(), 2),
               BugError);
}

// The sizes used in training: prefetching and hashing over large tables.
TEST_P(HashGridTest, LargeTablesEqualReference) {
  const HashGridLayout layout = MakeHashGridLayout({4, features(), 17, 16, 2048});
  Table table(layout, random_);
  const Points points = RandomPoints(3001, random_);
  const std::vector<float> d_out = RandomValues(features() * 3001, random_);
  const std::vector<double> exact(d_out.begin(), d_out.end());
  for (int l = 0; l < layout.config.num_levels; ++l) {
    std::vector<float> out(features() * 3001), gradient(layout.num_parameters);
    std::vector<double> expected(out.size()), expected_gradient(layout.num_parameters);
    HashGridForward(layout, l, table.half.data(), points.view(), out.data(), 3001);
    HashGridBackward(layout, l, points.view(), d_out.data(), 3001, gradient.data());
    reference::HashGridForward(layout, l, table.exact.data(), points.view(), expected.data(), 3001);
    reference::HashGridBackward(layout, l, points.view(), exact.data(), 3001, expected_gradient.data());
    const double tolerance = Tolerance(layout.levels[l]);
    for (size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out[i], expected[i], tolerance);
    for (size_t k = 0; k < gradient.size(); ++k)
      ASSERT_NEAR(gradient[k], expected_gradient[k], 5 * tolerance);
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, HashGridTest,
                         testing::Combine(testing::ValuesIn(SupportedTargets()), testing::Values(2, 4, 8)),
                         [](const auto& info) {
                           return std::get<0>(info.param) + "_features" +
                                  std::to_string(std::get<1>(info.param));
                         });

}  // namespace
}  // namespace semfield::ops
