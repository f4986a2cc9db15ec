#include "semfield/surface/tsdf_volume.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "semfield/base/error.h"
#include "semfield/base/parallel.h"

namespace semfield {
namespace {

using Index = TsdfVolume::Index;

constexpr int kBits = 21;  // of each coordinate of a block in its key
constexpr int32_t kHalf = 1 << (kBits - 1);
constexpr size_t kMostBlocks = 600000;  // 2.5 GiB

int32_t FloorDiv(int32_t a, int32_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

uint64_t KeyOf(const Index& block) {
  uint64_t key = 0;
  for (const int32_t k : block)
    key = (key << kBits) | static_cast<uint64_t>(std::clamp(k + kHalf, 0, 2 * kHalf - 1));
  return key;
}

Index BlockOf(uint64_t key) {
  Index block;
  for (int k = 2; k >= 0; --k) {
    block[k] = static_cast<int32_t>(key & (2 * kHalf - 1)) - kHalf;
    key >>= kBits;
  }
  return block;
}

// A view as fusion looks at it: what its pixels say, and how much that counts.
struct FusedView {
  explicit FusedView(const DepthView& view)
      : view(view),
        camera_from_world(view.world_from_camera.Inverse()),
        weight(view.depth.width, view.depth.height, 1) {
    const ImageF& depth = view.depth;
    for (int y = 0; y < depth.height; ++y) {
      for (int x = 0; x < depth.width; ++x) {
        const double z = depth.At(x, y);
        if (z > 0) weight.At(x, y) = static_cast<float>(Facing(x, y) / (z * z));
      }
    }
  }

  // Cosine between a pixel's ray and the surface's normal there, by the depths beside it.
  double Facing(int x, int y) const {
    const ImageF& depth = view.depth;
    const int x0 = std::max(0, x - 1), x1 = std::min(depth.width - 1, x + 1), y0 = std::max(0, y - 1),
              y1 = std::min(depth.height - 1, y + 1);
    const auto point = [&](int u, int v) {
      const double z = depth.At(u, v) > 0 ? depth.At(u, v) : depth.At(x, y);
      return Vec3(z * (u + 0.5 - view.camera.cx) / view.camera.fx,
                  z * (v + 0.5 - view.camera.cy) / view.camera.fy, z);
    };
    const Vec3 a = point(x1, y) - point(x0, y), b = point(x, y1) - point(x, y0);
    const Vec3 normal(a.y() * b.z() - a.z() * b.y(), a.z() * b.x() - a.x() * b.z(),
                      a.x() * b.y() - a.y() * b.x());
    const Vec3 ray = point(x, y);
    constexpr double kLeast = 0.05;
    return std::max(kLeast, std::abs(normal.dot(ray)) / std::max(1e-30, normal.norm() * ray.norm()));
  }

  const DepthView& view;
  const Pose camera_from_world;
  ImageF weight;
};

// The depth at a position: between four pixels where they show one surface, else of the nearest.
double DepthAt(const ImageF& depth, const Vec2& pixel) {
  const int nearest_x = static_cast<int>(pixel.x()), nearest_y = static_cast<int>(pixel.y());
  const double nearest = depth.At(nearest_x, nearest_y);
  const double fx = pixel.x() - 0.5, fy = pixel.y() - 0.5;
  const int x = std::clamp(static_cast<int>(std::floor(fx)), 0, std::max(0, depth.width - 2)),
            y = std::clamp(static_cast<int>(std::floor(fy)), 0, std::max(0, depth.height - 2));
  const int x1 = std::min(x + 1, depth.width - 1), y1 = std::min(y + 1, depth.height - 1);
  const double a = depth.At(x, y), b = depth.At(x1, y), c = depth.At(x, y1), d = depth.At(x1, y1);
  constexpr double kOneSurface = 1.05;
  if (std::min({a, b, c, d}) * kOneSurface < std::max({a, b, c, d})) return nearest;
  const double u = std::clamp(fx - x, 0.0, 1.0), v = std::clamp(fy - y, 0.0, 1.0);
  return (1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * c + u * d);
}

// How a view says how far a voxel lies before its surface, in truncations; nothing where it cannot tell.
struct Observation {
  float distance, weight;
};
std::optional<Observation> Observe(const FusedView& fused, const Vec3& point, double truncation) {
  const Vec3 seen = fused.camera_from_world * point;
  if (seen.z() <= 0) return std::nullopt;
  const std::optional<Vec2> pixel = fused.view.camera.Project(seen);
  const ImageF& image = fused.view.depth;
  if (!pixel ||
      !(pixel->x() >= 0 && pixel->y() >= 0 && pixel->x() < image.width && pixel->y() < image.height))
    return std::nullopt;
  const double depth = DepthAt(image, *pixel);
  if (depth <= 0) return std::nullopt;
  const double distance = (depth - seen.z()) * seen.norm() / seen.z() / truncation;
  if (distance < -1) return std::nullopt;
  return Observation{static_cast<float>(std::min(1.0, distance)),
                     fused.weight.At(static_cast<int>(pixel->x()), static_cast<int>(pixel->y()))};
}

// Whether any of a block's voxels can be seen, by the sphere around them; whoever is unsure says yes.
bool MaySee(const FusedView& fused, const Vec3& center, double radius) {
  const Vec3 seen = fused.camera_from_world * center;
  if (seen.z() < -radius) return false;
  if (seen.z() < 2 * radius) return true;
  const std::optional<Vec2> pixel = fused.view.camera.Project(seen);
  const Camera& camera = fused.view.camera;
  if (!pixel) return camera.HasDistortion();
  // Twice the pinhole's radius leaves room for distortion.
  const double reach = 2 * std::max(camera.fx, camera.fy) * radius / (seen.z() - radius) + 1;
  return pixel->x() > -reach && pixel->y() > -reach && pixel->x() < camera.width + reach &&
         pixel->y() < camera.height + reach;
}

void IntegrateBlock(const std::vector<FusedView>& views, const TsdfVolume& volume, double truncation,
                    TsdfVolume::Block* block) {
  constexpr int kSide = TsdfVolume::kSide;
  const double half = 0.5 * (kSide - 1) * volume.voxel();
  const Vec3 first = volume.PointOf(block->origin), center = first + Vec3::Constant(half);
  const double radius = std::sqrt(3.0) * half;
  std::array<double, TsdfVolume::kBlockSize> sum{}, weight{};
  for (const FusedView& view : views) {
    if (!MaySee(view, center, radius)) continue;
    for (int i = 0; i < TsdfVolume::kBlockSize; ++i) {
      const Vec3 point = first + volume.voxel() * Vec3(i % kSide, i / kSide % kSide, i / (kSide * kSide));
      if (const auto observed = Observe(view, point, truncation)) {
        sum[i] += observed->weight * observed->distance;
        weight[i] += observed->weight;
      }
    }
  }
  for (int i = 0; i < TsdfVolume::kBlockSize; ++i) {
    block->distance[i] = weight[i] > 0 ? static_cast<float>(sum[i] / weight[i]) : 0;
    block->weight[i] = static_cast<float>(weight[i]);
  }
}

}  // namespace

TsdfVolume::TsdfVolume(std::span<const DepthView> views, double voxel, double truncation,
                       const JobControl& control)
    : voxel_(voxel), truncation_(truncation) {
  for (const DepthView& view : views) origin_ += view.world_from_camera.translation / views.size();
  Allocate(views, control);
  Integrate(views, control);
}

int TsdfVolume::InBlock(const Index& index) {
  int place = 0;
  for (int k = 2; k >= 0; --k) place = place * kSide + (index[k] - kSide * FloorDiv(index[k], kSide));
  return place;
}

int TsdfVolume::Find(const Index& index) const {
  const uint64_t key =
      KeyOf({FloorDiv(index[0], kSide), FloorDiv(index[1], kSide), FloorDiv(index[2], kSide)});
  const auto found = std::lower_bound(keys_.begin(), keys_.end(), key);
  return found != keys_.end() && *found == key ? static_cast<int>(found - keys_.begin()) : -1;
}

void TsdfVolume::Allocate(std::span<const DepthView> views, const JobControl& control) {
  std::vector<std::vector<uint64_t>> own(views.size());
  const double side = kSide * voxel_;
  ParallelFor(static_cast<int64_t>(views.size()), [&](int64_t v, int) {
    control.ThrowIfStopped();
    const DepthView& view = views[v];
    std::vector<uint64_t>& keys = own[v];
    for (int y = 0; y < view.depth.height; ++y) {
      for (int x = 0; x < view.depth.width; ++x) {
        const double depth = view.depth.At(x, y);
        if (depth <= 0) continue;
        const Vec3 in_camera = view.camera.DirectionAt({x + 0.5, y + 0.5});
        const Vec3 direction = view.world_from_camera.rotation * in_camera;
        const double distance = depth / in_camera.z();
        for (double along = -truncation_;; along = std::min(truncation_, along + 0.5 * side)) {
          const Vec3 at =
              (view.world_from_camera.translation + (distance + along) * direction - origin_) / side;
          const uint64_t key =
              KeyOf({static_cast<int32_t>(std::floor(at.x())), static_cast<int32_t>(std::floor(at.y())),
                     static_cast<int32_t>(std::floor(at.z()))});
          if (keys.empty() || keys.back() != key) keys.push_back(key);
          if (along >= truncation_) break;
        }
      }
    }
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  });
  for (const std::vector<uint64_t>& keys : own) keys_.insert(keys_.end(), keys.begin(), keys.end());
  std::sort(keys_.begin(), keys_.end());
  keys_.erase(std::unique(keys_.begin(), keys_.end()), keys_.end());
  if (keys_.size() > kMostBlocks) {
    throw ResourceError(
        "the surface has {} blocks of {} x {} x {} voxels of {:.4g} units, and at most {} are kept in "
        "memory: "
        "take larger voxels (--voxel)",
        keys_.size(), kSide, kSide, kSide, voxel_, kMostBlocks);
  }
  blocks_.resize(keys_.size());
  for (size_t b = 0; b < keys_.size(); ++b) {
    const Index block = BlockOf(keys_[b]);
    for (int k = 0; k < 3; ++k) blocks_[b].origin[k] = kSide * block[k];
  }
}

void TsdfVolume::Integrate(std::span<const DepthView> views, const JobControl& control) {
  std::vector<FusedView> fused;
  for (const DepthView& view : views) fused.emplace_back(view);
  constexpr int64_t kChunk = 256;
  const auto count = static_cast<int64_t>(blocks_.size());
  for (int64_t begin = 0; begin < count; begin += 16 * kChunk) {
    const int64_t end = std::min(count, begin + 16 * kChunk);
    ParallelFor(end - begin, [&](int64_t i, int) {
      control.ThrowIfStopped();
      IntegrateBlock(fused, *this, truncation_, &blocks_[begin + i]);
    });
    control.Report({.stage = "fuse", .done = static_cast<double>(end), .total = static_cast<double>(count)});
  }
}

}  // namespace semfield
