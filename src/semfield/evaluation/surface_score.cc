#include "semfield/evaluation/surface_score.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"
#include "semfield/base/random.h"

namespace semfield {
namespace {

constexpr int kRings = 5;  // cells from the middle to the radius
constexpr int64_t kChunk = 4096;

// By how many views a point is seen, and by how many it can be judged.
struct Watchers {
  int seen = 0, judge = 0;
};
Watchers WatchersOf(const Vec3f& point, std::span<const DepthView> views, double centimeter) {
  Watchers watchers;
  for (const DepthView& view : views) {
    const auto at = view.Project(point.cast<double>());
    if (!at || at->depth < 5 * centimeter) continue;
    const double truth = view.depth.At(static_cast<int>(at->pixel.x()), static_cast<int>(at->pixel.y()));
    if (truth <= 0) continue;
    watchers.seen += std::abs(at->depth - truth) < 2 * centimeter + 0.01 * truth;
    watchers.judge += at->depth < truth + 10 * centimeter;
  }
  return watchers;
}

std::vector<Vec3f> Kept(const std::vector<Vec3f>& points, const std::vector<char>& keep) {
  std::vector<Vec3f> kept;
  for (size_t i = 0; i < points.size(); ++i) {
    if (keep[i]) kept.push_back(points[i]);
  }
  return kept;
}

std::vector<double> Distances(const std::vector<Vec3f>& points, const PointGrid& to) {
  std::vector<double> distances(points.size());
  ParallelChunks(static_cast<int64_t>(points.size()), kChunk, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) distances[i] = to.NearestWithin(points[i]);
  });
  return distances;
}

double ShareUnder(const std::vector<double>& values, double limit) {
  if (values.empty()) return 0;
  const auto under = std::count_if(values.begin(), values.end(), [&](double v) { return v < limit; });
  return static_cast<double>(under) / static_cast<double>(values.size());
}

}  // namespace

PointGrid::PointGrid(std::vector<Vec3f> points, double radius) : radius_(radius), side_(radius / kRings) {
  SF_CHECK_GT(radius, 0);
  std::vector<std::pair<uint64_t, int32_t>> order(points.size());
  for (size_t i = 0; i < points.size(); ++i) order[i] = {KeyOf(CellOf(points[i])), static_cast<int32_t>(i)};
  std::sort(order.begin(), order.end());
  points_.reserve(points.size());
  for (const auto& [key, index] : order) {
    if (keys_.empty() || keys_.back() != key) {
      keys_.push_back(key);
      begins_.push_back(static_cast<int32_t>(points_.size()));
    }
    points_.push_back(points[index]);
  }
  begins_.push_back(static_cast<int32_t>(points_.size()));
}

std::array<int64_t, 3> PointGrid::CellOf(const Vec3f& point) const {
  std::array<int64_t, 3> cell;
  constexpr double kMost = (1 << 20) - 1 - kRings;
  for (int k = 0; k < 3; ++k)
    cell[k] = static_cast<int64_t>(std::clamp(std::floor(point[k] / side_), -kMost, kMost)) + (1 << 20);
  return cell;
}

uint64_t PointGrid::KeyOf(const std::array<int64_t, 3>& cell) {
  return static_cast<uint64_t>(cell[0]) << 42 | static_cast<uint64_t>(cell[1]) << 21 |
         static_cast<uint64_t>(cell[2]);
}

// Rings of cells from the middle outwards, until none can hold a nearer point.
double PointGrid::NearestWithin(const Vec3f& to) const {
  const std::array<int64_t, 3> middle = CellOf(to);
  double nearest = radius_ * radius_;
  for (int ring = 0; ring <= kRings; ++ring) {
    const double least = std::max(0, ring - 1) * side_;
    if (least * least >= nearest) break;
    for (int x = -ring; x <= ring; ++x) {
      for (int y = -ring; y <= ring; ++y) {
        const bool is_shell = std::abs(x) == ring || std::abs(y) == ring;
        for (int z = -ring; z <= ring; z += is_shell || ring == 0 ? 1 : 2 * ring) {
          const uint64_t key = KeyOf({middle[0] + x, middle[1] + y, middle[2] + z});
          const auto found = std::lower_bound(keys_.begin(), keys_.end(), key);
          if (found == keys_.end() || *found != key) continue;
          const auto cell = found - keys_.begin();
          for (int32_t i = begins_[cell]; i < begins_[cell + 1]; ++i)
            nearest = std::min<double>(nearest, (points_[i] - to).squaredNorm());
        }
      }
    }
  }
  return std::sqrt(nearest);
}

std::vector<Vec3f> SampleSurface(const Mesh& mesh, int count, uint64_t seed) {
  std::vector<double> sums(mesh.faces.size());
  double area = 0;
  for (int f = 0; f < mesh.num_faces(); ++f) sums[f] = area += mesh.Cross(f).norm();
  std::vector<Vec3f> points;
  if (!(area > 0)) return points;
  Random random(seed);
  points.reserve(count);
  for (int i = 0; i < count; ++i) {
    // Evenly through the faces, so that a sample's place alone is chance.
    const double at = (i + random.Uniform()) / count * area;
    const auto face = std::min<size_t>(std::lower_bound(sums.begin(), sums.end(), at) - sums.begin(),
                                       mesh.faces.size() - 1);
    float u = random.Uniform(), v = random.Uniform();
    if (u + v > 1) {
      u = 1 - u;
      v = 1 - v;
    }
    const auto& [a, b, c] = mesh.faces[face];
    points.push_back((1 - u - v) * mesh.vertices[a] + u * mesh.vertices[b] + v * mesh.vertices[c]);
  }
  return points;
}

SurfaceScore ScoreSurface(const Mesh& ours, const Mesh& truth, std::span<const DepthView> views,
                          const std::vector<double>& distances, double centimeter, int samples) {
  const std::vector<Vec3f> ours_all = SampleSurface(ours, samples, 1),
                           truth_all = SampleSurface(truth, samples, 2);
  std::vector<char> judged(ours_all.size()), seen(truth_all.size());
  const auto watch = [&](const std::vector<Vec3f>& points, std::vector<char>* keep, bool wants_seen) {
    ParallelChunks(static_cast<int64_t>(points.size()), kChunk, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        const Watchers watchers = WatchersOf(points[i], views, centimeter);
        (*keep)[i] = (wants_seen ? watchers.seen : watchers.judge) >= 2;
      }
    });
  };
  watch(ours_all, &judged, false);
  watch(truth_all, &seen, true);
  const std::vector<Vec3f> mine = Kept(ours_all, judged), asked = Kept(truth_all, seen);
  const double reach = *std::max_element(distances.begin(), distances.end());
  const std::vector<double> to_truth = Distances(mine, PointGrid(truth_all, reach)),
                            to_mine = Distances(asked, PointGrid(mine, reach));
  SurfaceScore score;
  if (!ours_all.empty())
    score.judged_share = static_cast<double>(mine.size()) / static_cast<double>(ours_all.size());
  for (const double distance : distances) {
    const double p = ShareUnder(to_truth, distance), r = ShareUnder(to_mine, distance);
    score.precision.push_back(p);
    score.recall.push_back(r);
    score.f.push_back(p + r > 0 ? 2 * p * r / (p + r) : 0);
  }
  return score;
}

}  // namespace semfield
