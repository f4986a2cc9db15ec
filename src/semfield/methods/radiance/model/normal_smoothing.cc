#include "semfield/methods/radiance/model/normal_smoothing.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"

namespace semfield {
namespace {

constexpr float kTaps[5] = {1 / 16.0f, 4 / 16.0f, 6 / 16.0f, 4 / 16.0f, 1 / 16.0f};
constexpr int kRowsPerTask = 8;
// Distance of two pixels' points over that of pixels on a surface that faces the camera. Beyond a few times,
// one of them lies behind an edge.
constexpr float kSteepest = 5;
constexpr int kFirstWithNormals = 2;  // before, normals are too noisy to compare
constexpr float kSharpness = 8;       // power of the cosine between two normals

struct Point {
  float at[3] = {};
  bool is_there = false;
};

std::vector<Point> PointsOf(const ImageF& depth, const Camera& camera) {
  std::vector<Point> points(depth.num_pixels());
  ParallelChunks(depth.height, kRowsPerTask, [&](int64_t begin, int64_t end, int) {
    for (int y = static_cast<int>(begin); y < static_cast<int>(end); ++y) {
      for (int x = 0; x < depth.width; ++x) {
        const float z = depth.At(x, y);
        if (!(z > 0)) continue;
        const Vec3 direction = camera.DirectionAt(Vec2(x + 0.5, y + 0.5));
        Point& point = points[static_cast<size_t>(y) * depth.width + x];
        for (int k = 0; k < 3; ++k) point.at[k] = static_cast<float>(direction[k] / direction.z()) * z;
        point.is_there = direction.z() > 1e-6;
      }
    }
  });
  return points;
}

class Smoother {
 public:
  Smoother(const ImageF& depth, const Camera& camera)
      : points_(PointsOf(depth, camera)),
        width_(depth.width),
        height_(depth.height),
        pixel_(static_cast<float>(1 / camera.fx)) {}

  // One step of the wavelet: five by five taps, `stride` pixels apart.
  ImageF Step(const ImageF& normals, int stride, bool by_normals) const {
    ImageF out(width_, height_, 3);
    ParallelChunks(height_, kRowsPerTask, [&](int64_t begin, int64_t end, int) {
      for (int y = static_cast<int>(begin); y < static_cast<int>(end); ++y) {
        for (int x = 0; x < width_; ++x) Mean(normals, x, y, {stride, by_normals}, &out.At(x, y));
      }
    });
    return out;
  }

 private:
  struct How {
    int stride;
    bool by_normals;
  };

  float Weight(const Point& a, const Point& b, float pixels) const {
    float squared = 0;
    for (int k = 0; k < 3; ++k) squared += (a.at[k] - b.at[k]) * (a.at[k] - b.at[k]);
    const float facing = pixels * pixel_ * std::max(a.at[2], b.at[2]);
    const float ratio = squared / std::max(facing * facing, 1e-20f);
    return std::exp(-ratio / (kSteepest * kSteepest));
  }

  void Mean(const ImageF& normals, int x, int y, const How& how, float* out) const {
    const Point& own = points_[static_cast<size_t>(y) * width_ + x];
    if (!own.is_there) return;
    const float* own_normal = &normals.At(x, y);
    float sum[3] = {};
    for (int j = -2; j <= 2; ++j) {
      for (int i = -2; i <= 2; ++i) {
        const int u = x + i * how.stride, v = y + j * how.stride;
        if (u < 0 || v < 0 || u >= width_ || v >= height_) continue;
        const Point& other = points_[static_cast<size_t>(v) * width_ + u];
        if (!other.is_there) continue;
        const float* normal = &normals.At(u, v);
        float weight = kTaps[i + 2] * kTaps[j + 2];
        if (i != 0 || j != 0)
          weight *= Weight(own, other, static_cast<float>(how.stride) * std::hypot(float(i), float(j)));
        if (how.by_normals) {
          const float cosine =
              own_normal[0] * normal[0] + own_normal[1] * normal[1] + own_normal[2] * normal[2];
          weight *= std::pow(std::max(cosine, 0.0f), kSharpness);
        }
        for (int k = 0; k < 3; ++k) sum[k] += weight * normal[k];
      }
    }
    const float length = std::hypot(sum[0], sum[1], sum[2]);
    for (int k = 0; k < 3; ++k) out[k] = length > 1e-6f ? sum[k] / length : own_normal[k];
  }

  const std::vector<Point> points_;
  const int width_, height_;
  const float pixel_;  // what one is wide, at depth 1
};

}  // namespace

ImageF SmoothNormals(const ImageF& normals, const ImageF& depth, const Camera& camera) {
  SF_CHECK(normals.channels == 3 && depth.channels == 1);
  SF_CHECK(normals.width == depth.width && normals.height == depth.height);
  SF_CHECK(camera.width == depth.width && camera.height == depth.height);
  const Smoother smoother(depth, camera);
  ImageF smooth = normals;
  // A wall's noise is averaged over some four percent of the picture's width.
  int step = 0;
  for (int stride = 1; 50 * stride <= std::max(depth.width, 50); stride *= 2, ++step)
    smooth = smoother.Step(smooth, stride, /*by_normals=*/step >= kFirstWithNormals);
  return smooth;
}

}  // namespace semfield
