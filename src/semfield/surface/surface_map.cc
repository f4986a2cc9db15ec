#include "semfield/surface/surface_map.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"

namespace semfield {
namespace {

constexpr int kBits = 21;  // of each coordinate in a key
constexpr int32_t kMostIndex = (1 << kBits) - 1;
constexpr double kDepthTolerance = 0.03;

Vec3 PointOf(const DepthView& view, const Vec2& pixel, double depth) {
  const Vec3 direction = view.camera.DirectionAt(pixel);
  return view.world_from_camera * Vec3(direction * (depth / direction.z()));
}

}  // namespace

double MedianFootprint(std::span<const DepthView> views) {
  constexpr int kStride = 16;
  std::vector<double> widths;
  for (const DepthView& view : views) {
    for (int y = kStride / 2; y < view.depth.height; y += kStride) {
      for (int x = kStride / 2; x < view.depth.width; x += kStride) {
        const double depth = view.depth.At(x, y);
        if (depth > 0) widths.push_back(depth / view.camera.fx);
      }
    }
  }
  if (widths.empty()) return 1;
  std::nth_element(widths.begin(), widths.begin() + widths.size() / 2, widths.end());
  return widths[widths.size() / 2];
}

std::optional<Vec3> DepthView::PointAt(const Vec2& pixel) const {
  if (!camera.Contains(pixel)) return std::nullopt;
  const int x = std::min(static_cast<int>(pixel.x()), depth.width - 1);
  const int y = std::min(static_cast<int>(pixel.y()), depth.height - 1);
  if (depth.At(x, y) <= 0) return std::nullopt;
  return PointOf(*this, pixel, depth.At(x, y));
}

std::optional<DepthView::Projection> DepthView::Project(const Vec3& point) const {
  const Vec3 seen = world_from_camera.Inverse() * point;
  const std::optional<Vec2> pixel = camera.Project(seen);
  if (!pixel || seen.z() <= 0 || pixel->x() < 0 || pixel->y() < 0 || pixel->x() >= depth.width ||
      pixel->y() >= depth.height) {
    return std::nullopt;
  }
  return Projection{*pixel, seen.z()};
}

bool DepthView::Sees(const Vec3& point, double cell_size) const {
  const std::optional<Projection> at = Project(point);
  if (!at) return false;
  const int x = static_cast<int>(at->pixel.x()), y = static_cast<int>(at->pixel.y());
  double low = std::numeric_limits<double>::infinity(), high = 0;
  for (int v = std::max(0, y - 1); v <= std::min(depth.height - 1, y + 1); ++v) {
    for (int u = std::max(0, x - 1); u <= std::min(depth.width - 1, x + 1); ++u) {
      if (depth.At(u, v) <= 0) continue;
      low = std::min<double>(low, depth.At(u, v));
      high = std::max<double>(high, depth.At(u, v));
    }
  }
  const double tolerance = kDepthTolerance * at->depth + cell_size;
  return at->depth > low - tolerance && at->depth < high + tolerance;
}

SurfaceMap::SurfaceMap(std::vector<DepthView> views, double cell_pixels) {
  cell_size_ = cell_pixels * MedianFootprint(views);
  views_.resize(views.size());
  // The middle of the cameras is the middle of the keys' range, which a million cells to either side end.
  for (const DepthView& view : views) {
    origin_ += view.world_from_camera.translation / static_cast<double>(views.size());
  }
  std::vector<std::vector<uint64_t>> own(views.size());
  ParallelFor(static_cast<int64_t>(views.size()), [&](int64_t v, int) {
    const DepthView& view = views[v];
    for (int y = 0; y < view.depth.height; ++y) {
      for (int x = 0; x < view.depth.width; ++x) {
        if (view.depth.At(x, y) <= 0) continue;
        own[v].push_back(KeyOf(IndexOf(PointOf(view, {x + 0.5, y + 0.5}, view.depth.At(x, y)))));
      }
    }
    std::sort(own[v].begin(), own[v].end());
    own[v].erase(std::unique(own[v].begin(), own[v].end()), own[v].end());
  });
  for (const std::vector<uint64_t>& keys : own) keys_.insert(keys_.end(), keys.begin(), keys.end());
  std::sort(keys_.begin(), keys_.end());
  keys_.erase(std::unique(keys_.begin(), keys_.end()), keys_.end());
  SF_CHECK_LT(keys_.size(), static_cast<size_t>(std::numeric_limits<int32_t>::max()));
  Vec3 low = Vec3::Zero(), high = Vec3::Zero();
  for (int32_t cell = 0; cell < num_cells(); ++cell) {
    const Vec3 center = CellCenter(cell);
    low = cell == 0 ? center : Vec3(low.cwiseMin(center));
    high = cell == 0 ? center : Vec3(high.cwiseMax(center));
  }
  extent_ = high - low;
  ParallelFor(static_cast<int64_t>(views.size()),
              [&](int64_t v, int) { views_[v] = Look(std::move(views[v]), 0); });
}

SurfaceMap::Index SurfaceMap::IndexOf(const Vec3& point) const {
  Index index;
  int32_t* of[3] = {&index.x, &index.y, &index.z};
  for (int k = 0; k < 3; ++k) {
    const double cell = std::floor((point[k] - origin_[k]) / cell_size_) + kMostIndex / 2;
    *of[k] = static_cast<int32_t>(std::clamp(cell, 0.0, static_cast<double>(kMostIndex)));
  }
  return index;
}

uint64_t SurfaceMap::KeyOf(const Index& index) const {
  return (static_cast<uint64_t>(index.x) << (2 * kBits)) | (static_cast<uint64_t>(index.y) << kBits) |
         static_cast<uint64_t>(index.z);
}

int32_t SurfaceMap::FindKey(uint64_t key) const {
  const auto found = std::lower_bound(keys_.begin(), keys_.end(), key);
  return found != keys_.end() && *found == key ? static_cast<int32_t>(found - keys_.begin()) : -1;
}

int32_t SurfaceMap::Nearest(const Index& index, int reach) const {
  int32_t nearest = FindKey(KeyOf(index));
  if (nearest >= 0) return nearest;
  int least = std::numeric_limits<int>::max();
  for (int dx = -reach; dx <= reach; ++dx) {
    for (int dy = -reach; dy <= reach; ++dy) {
      for (int dz = -reach; dz <= reach; ++dz) {
        const int square = dx * dx + dy * dy + dz * dz;
        if (square >= least) continue;
        const int32_t cell = FindKey(KeyOf({index.x + dx, index.y + dy, index.z + dz}));
        if (cell < 0) continue;
        least = square;
        nearest = cell;
      }
    }
  }
  return nearest;
}

SurfaceView SurfaceMap::Look(DepthView depth_view, int reach) const {
  SurfaceView view;
  static_cast<DepthView&>(view) = std::move(depth_view);
  view.cell_of.assign(view.depth.num_pixels(), -1);
  for (int y = 0; y < view.depth.height; ++y) {
    for (int x = 0; x < view.depth.width; ++x) {
      const float depth = view.depth.At(x, y);
      if (depth <= 0) continue;
      view.cell_of[static_cast<size_t>(y) * view.depth.width + x] =
          Nearest(IndexOf(PointOf(view, {x + 0.5, y + 0.5}, depth)), reach);
    }
  }
  view.cells = view.cell_of;
  std::sort(view.cells.begin(), view.cells.end());
  view.cells.erase(std::unique(view.cells.begin(), view.cells.end()), view.cells.end());
  if (!view.cells.empty() && view.cells.front() < 0) view.cells.erase(view.cells.begin());
  view.pixels.assign(view.cells.size(), 0);
  for (int32_t& cell : view.cell_of) {
    if (cell < 0) continue;
    cell = static_cast<int32_t>(std::lower_bound(view.cells.begin(), view.cells.end(), cell) -
                                view.cells.begin());
    ++view.pixels[cell];
  }
  return view;
}

Vec3 SurfaceMap::CellCenter(int32_t cell) const {
  const uint64_t key = keys_[cell], mask = kMostIndex;
  const double index[3] = {static_cast<double>(key >> (2 * kBits)),
                           static_cast<double>((key >> kBits) & mask), static_cast<double>(key & mask)};
  Vec3 center;
  for (int k = 0; k < 3; ++k) center[k] = origin_[k] + (index[k] - kMostIndex / 2 + 0.5) * cell_size_;
  return center;
}

int SurfaceMap::Find(int view) const {
  for (size_t i = 0; i < views_.size(); ++i) {
    if (views_[i].view == view) return static_cast<int>(i);
  }
  return -1;
}

std::vector<int32_t> SurfaceMap::Neighbors(int32_t cell) const {
  const uint64_t key = keys_[cell], mask = kMostIndex;
  const Index at = {static_cast<int32_t>(key >> (2 * kBits)), static_cast<int32_t>((key >> kBits) & mask),
                    static_cast<int32_t>(key & mask)};
  std::vector<int32_t> neighbors;
  for (int i = 0; i < 27; ++i) {
    if (i == 13) continue;
    const int32_t other = FindKey(KeyOf({at.x + i / 9 - 1, at.y + i / 3 % 3 - 1, at.z + i % 3 - 1}));
    if (other >= 0) neighbors.push_back(other);
  }
  return neighbors;
}

}  // namespace semfield
