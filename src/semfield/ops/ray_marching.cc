#include "semfield/ops/ray_marching.h"

#include <hwy/cache_control.h>

#include <algorithm>
#include <cmath>

#include "semfield/base/check.h"

namespace semfield::ops {
namespace {

constexpr double kHuge = 1e30;
// |q_j / M| = 1 is where another axis takes over; the excess keeps rays along a diagonal from standing on it.
constexpr double kDiagonal = 1 + 1e-9;
// Finding where a ray leaves a single cell costs as much as looking up about this many intervals.
constexpr double kWorthASkip = 4;
constexpr int kBlockShift = OccupancyGrid::kClearanceShift;

// The fixed partition of a ray into intervals that samples are taken from. With c = cone_angle, an interval
// whose middle is m has the width max(step, c m); it begins at b = m (1 - c/2) where the cone rules, so its
// width there is c' b with c' = c / (1 - c/2), and the next one begins at b (1 + c'). Middles start at start
// + jitter * width.
class StepLattice {
 public:
  StepLattice(const MarchOptions& options, double start, double jitter)
      : step_(options.step),
        inverse_step_(1 / step_),
        growth_(options.cone_angle / (1.0 - 0.5 * options.cone_angle)) {
    if (growth_ > kSmallestGrowth) linear_end_ = step_ / growth_;
    const double cone = options.cone_angle;
    const double middle = start + jitter * std::max(step_, cone * start);
    first_ = middle - 0.5 * std::max(step_, cone * middle);
    SetBegin(first_);
  }

  double middle() const { return begin_ + 0.5 * width_; }
  double width() const { return width_; }

  void Next() {
    if (linear_) {
      ++index_;
      SetBegin(first_ + static_cast<double>(index_) * step_);
    } else {
      SetBegin(begin_ * (1 + growth_));
    }
  }

  // On to the first middle at or behind t, at least by one interval.
  void SkipTo(double t) {
    Next();
    if (middle() >= t) return;
    if (linear_) {
      int64_t index = CeilToInt((t - first_) * inverse_step_ - 0.5);
      if (first_ + static_cast<double>(index) * step_ >= linear_end_) {
        index = std::min(index, CeilToInt((linear_end_ - first_) * inverse_step_));
      }
      index_ = std::max(index_, index);
      SetBegin(first_ + static_cast<double>(index_) * step_);
      if (linear_ || middle() >= t) return;
    }
    SkipGrowing(t / (1 + 0.5 * growth_));
  }

 private:
  static constexpr double kSmallestGrowth = 1e-9;

  static int64_t CeilToInt(double x) {
    const int64_t truncated = static_cast<int64_t>(x);
    return truncated + (static_cast<double>(truncated) < x);
  }

  void SetBegin(double begin) {
    begin_ = begin;
    linear_ = begin < linear_end_;
    width_ = linear_ ? step_ : growth_ * begin;
  }

  // To the first begin of at least `bound`: doubling strides forward, then halving ones, because a logarithm
  // costs more than the few products most skips need (and its bits depend on the C library).
  void SkipGrowing(double bound) {
    double strides[64];
    int level = 0;
    double begin = begin_;
    for (double stride = 1 + growth_; begin * stride < bound; stride *= stride) {
      begin *= stride;
      strides[level++] = stride;
    }
    while (level > 0) {
      const double next = begin * strides[--level];
      if (next < bound) begin = next;
    }
    if (begin < bound) begin *= 1 + growth_;
    SetBegin(begin);
  }

  double step_;
  double inverse_step_;
  double growth_;
  double linear_end_ = kHuge;
  double first_;
  int64_t index_ = 0;
  double begin_;
  double width_;
  bool linear_;
};

struct Cell {
  int at[3];
};

// The cells from `low` to before `high` around a located cell that are known to be empty.
struct EmptyBox {
  int low[3], high[3];
};

EmptyBox BoxAround(const Cell& cell, int clearance) {
  EmptyBox box;
  for (int k = 0; k < 3; ++k) {
    const int block = cell.at[k] >> kBlockShift;
    box.low[k] = clearance > 0 ? (block - clearance + 1) * (1 << kBlockShift) : cell.at[k];
    box.high[k] = clearance > 0 ? (block + clearance) * (1 << kBlockShift) : cell.at[k] + 1;
  }
  return box;
}

// Rays through the cube of a bounded map, in cells. SceneMap::UnitFromWorld times the resolution, written as
// a line.
class BoundedSpace {
 public:
  BoundedSpace(const SceneMap& map, int resolution, const Ray& ray)
      : resolution_(resolution), cell_size_(2.0 * map.half_extent / resolution) {
    const double scale = resolution / (2.0 * map.half_extent);
    for (int k = 0; k < 3; ++k) {
      origin_[k] = (static_cast<double>(ray.origin[k]) - map.center[k]) * scale + 0.5 * resolution;
      const double direction = ray.direction[k] * scale;
      parallel_[k] = std::abs(direction) < 1 / kHuge;
      direction_[k] = parallel_[k] ? 0 : direction;
      inverse_[k] = parallel_[k] ? kHuge : 1 / direction;
      far_side_[k] = direction_[k] >= 0;
    }
  }

  // Narrows [begin, end] to the cube; false: nothing is left.
  bool Clip(double* begin, double* end) const {
    for (int k = 0; k < 3; ++k) {
      if (parallel_[k]) {
        if (origin_[k] < 0 || origin_[k] > resolution_) return false;
        continue;
      }
      const double a = -origin_[k] * inverse_[k];
      const double b = (resolution_ - origin_[k]) * inverse_[k];
      *begin = std::max(*begin, std::min(a, b));
      *end = std::min(*end, std::max(a, b));
    }
    return *begin < *end;
  }

  Cell Locate(double t) { return {{Coordinate(0, t), Coordinate(1, t), Coordinate(2, t)}}; }

  double CellSize() const { return cell_size_; }  // world units

  // Where the ray leaves the box.
  double Exit(double, const EmptyBox& box) const {
    return std::min({FaceDistance(0, box), FaceDistance(1, box), FaceDistance(2, box)});
  }

 private:
  int Coordinate(int k, double t) const {
    return std::clamp(static_cast<int>(origin_[k] + t * direction_[k]), 0, resolution_ - 1);
  }
  double FaceDistance(int k, const EmptyBox& box) const {
    return ((far_side_[k] ? box.high[k] : box.low[k]) - origin_[k]) * inverse_[k];
  }

  int resolution_;
  double cell_size_;
  double origin_[3], direction_[3], inverse_[3];
  bool parallel_[3];
  bool far_side_[3];
};

// Rays through contracted space (Mip-NeRF 360 Eq. 10 with the L-infinity norm). With q = (p - center) /
// half_extent, M = |q_k| the largest and w = 1 / M: the contracted point is q in the inner cube, (2 - w) w q
// outside of it.
class ContractedSpace {
 public:
  ContractedSpace(const SceneMap& map, int resolution, const Ray& ray)
      : resolution_(resolution),
        cells_per_unit_(0.25 * resolution),
        cell_size_(4.0 / resolution),
        world_cell_size_(cell_size_ * map.half_extent) {
    for (int k = 0; k < 3; ++k) {
      origin_[k] = (static_cast<double>(ray.origin[k]) - map.center[k]) / map.half_extent;
      direction_[k] = static_cast<double>(ray.direction[k]) / map.half_extent;
    }
  }

  bool Clip(double* begin, double* end) const { return *begin < *end; }

  Cell Locate(double t) {
    for (int k = 0; k < 3; ++k) q_[k] = origin_[k] + t * direction_[k];
    const double ax = std::abs(q_[0]), ay = std::abs(q_[1]), az = std::abs(q_[2]);
    axis_ = ax >= ay ? (ax >= az ? 0 : 2) : (ay >= az ? 1 : 2);
    norm_ = std::max({ax, ay, az, 1.0});
    w_ = 1 / norm_;
    const double shrink = norm_ > 1 ? (2 - w_) * w_ : 1.0;
    for (int k = 0; k < 3; ++k) contracted_[k] = q_[k] * shrink;
    return {{Coordinate(0), Coordinate(1), Coordinate(2)}};
  }

  double CellSize() const { return world_cell_size_ * norm_; }  // world units, near the located point

  // A distance until which the ray surely stays in the box; exact up to the curvature of the contracted ray
  // inside.
  double Exit(double t, const EmptyBox& box) const {
    double low[3], high[3];
    for (int k = 0; k < 3; ++k) {
      low[k] = box.low[k] * cell_size_ - 2 - contracted_[k];
      high[k] = box.high[k] * cell_size_ - 2 - contracted_[k];
    }
    return t + (norm_ > 1 ? OuterExit(low, high) : InnerExit(low, high));
  }

 private:
  int Coordinate(int k) const {
    return std::clamp(static_cast<int>((contracted_[k] + 2) * cells_per_unit_), 0, resolution_ - 1);
  }

  // Distance until something that moves at `speed` has moved by `to_low` (<= 0) or `to_high` (>= 0).
  static double TimeToReach(double to_low, double to_high, double speed) {
    const double distance = std::max(speed >= 0 ? to_high : -to_low, 0.0);
    return distance / std::max(std::abs(speed), 1 / kHuge);
  }

  // In the inner cube the contraction is the identity.
  double InnerExit(const double low[3], const double high[3]) const {
    double exit = kHuge;
    for (int k = 0; k < 3; ++k) {
      exit = std::min(exit,
                      TimeToReach(std::max(low[k], -1 - q_[k]), std::min(high[k], 1 - q_[k]), direction_[k]));
    }
    return exit;
  }

  // Outside, while k stays the dominant axis, take y = x / (M + b x) for the distance x ahead, where b is the
  // rate of M. Then w(y) = w (1 - b y) and r_j(y) = q_j / M + rho_j y with rho_j = d_j - b q_j / M are
  // linear, so that the dominant contracted coordinate 2 - w is linear in y and the others, r_j (2 - w), are
  // parabolas. Their slopes over [0, y] lie between the slope at 0 and the mean slope over the longest y that
  // is considered.
  double OuterExit(const double low[3], const double high[3]) const {
    const double b = q_[axis_] >= 0 ? direction_[axis_] : -direction_[axis_];
    double y = TimeToReach(low[axis_], high[axis_], direction_[axis_] * w_);
    y = std::min(y, (norm_ - 1) / std::max(-b, 1 / kHuge));
    double ratio[3], rho[3];
    for (int k = 0; k < 3; ++k) {  // of the dominant axis itself: +-1 and 0
      ratio[k] = q_[k] * w_;
      rho[k] = direction_[k] - b * ratio[k];
      y = std::min(
          y, (kDiagonal + (rho[k] >= 0 ? -ratio[k] : ratio[k])) / std::max(std::abs(rho[k]), 1 / kHuge));
    }
    double exit = y;
    for (int k = 0; k < 3; ++k) {
      const double slope = rho[k] * (2 - w_) + ratio[k] * b * w_;
      const double mean_slope = slope + rho[k] * b * w_ * y;
      exit = std::min(exit, std::max(high[k], 0.0) / std::max({slope, mean_slope, 1 / kHuge}));
      exit = std::min(exit, std::min(low[k], 0.0) / std::min({slope, mean_slope, -1 / kHuge}));
    }
    const double remaining = 1 - b * exit;
    return remaining > 1 / kHuge ? exit * norm_ / remaining : kHuge;
  }

  int resolution_;
  double cells_per_unit_, cell_size_, world_cell_size_;
  double origin_[3], direction_[3];
  // Of the located point:
  double q_[3], contracted_[3];
  double norm_ = 1, w_ = 1;
  int axis_ = 0;
};

// Ends a ray soon after options.stop_optical_depth. The densities of its cells lie anywhere in megabytes:
// each is asked for when its sample is found and looked at some samples later, when it has arrived.
class DepthStop {
 public:
  DepthStop(const OccupancyGrid& grid, const MarchOptions& options)
      : density_(grid.mean_density().data()),
        limit_(options.stop_optical_depth),
        margin_(options.stop_margin_cells) {}

  // Sample number `count` of the ray; lowers `end` by what is known by now.
  void Add(int count, size_t cell, double middle, double width, double cell_size, double* end) {
    if (limit_ <= 0) return;
    if (count >= kLag) Look(samples_[count % kLag], end);
    hwy::Prefetch(density_ + cell);
    samples_[count % kLag] = {cell, middle, width, cell_size};
  }
  // How many of `count` samples lie before the end of the ray.
  int Close(int count, double* end) {
    if (limit_ <= 0) return count;
    const int first = std::max(0, count - kLag);
    for (int i = first; i < count; ++i) Look(samples_[i % kLag], end);
    while (count > first && samples_[(count - 1) % kLag].middle >= *end) --count;
    return count;
  }

 private:
  static constexpr int kLag = 16;
  struct Sample {
    size_t cell;
    double middle, width, cell_size;
  };
  void Look(const Sample& sample, double* end) {
    depth_ += density_[sample.cell] * sample.width;
    if (depth_ > limit_) *end = std::min(*end, sample.middle + margin_ * sample.cell_size);
  }

  const float* density_;
  double limit_, margin_;
  double depth_ = 0;
  Sample samples_[kLag];
};

template <class Space>
int March(Space space, const OccupancyGrid& grid, const MarchOptions& options, double jitter,
          const MarchOutput& samples) {
  const size_t resolution = grid.resolution();
  const uint32_t* bits = grid.bits();
  double begin = options.near_distance;
  double end = std::min<double>(options.far_distance, begin + options.step * 0x1p50);
  if (!space.Clip(&begin, &end)) return 0;

  StepLattice lattice(options, begin, jitter);
  DepthStop stop(grid, options);
  int count = 0;
  while (lattice.middle() < end && count < options.max_samples) {
    const double middle = lattice.middle();
    const Cell cell = space.Locate(middle);
    const int clearance = grid.Clearance(cell.at[0], cell.at[1], cell.at[2]);
    const size_t index = cell.at[0] + resolution * (cell.at[1] + resolution * cell.at[2]);
    if (clearance > 0 || ((bits[index >> 5] >> (index & 31)) & 1u) == 0) {
      if (clearance == 0 && lattice.width() * kWorthASkip > space.CellSize()) {
        lattice.Next();
      } else {
        lattice.SkipTo(std::min(space.Exit(middle, BoxAround(cell, clearance)), end));
      }
      continue;
    }
    samples.t[count] = static_cast<float>(middle);
    samples.dt[count] = static_cast<float>(lattice.width());
    stop.Add(count, index, middle, lattice.width(), space.CellSize(), &end);
    ++count;
    lattice.Next();
  }
  return stop.Close(count, &end);
}

bool IsFinite(const Ray& ray) {
  double sum = 0;
  for (int k = 0; k < 3; ++k) sum += std::abs(ray.origin[k]) + std::abs(ray.direction[k]);
  return std::isfinite(sum);
}

}  // namespace

int MarchRay(const SceneMap& map, const OccupancyGrid& grid, const MarchOptions& options, const Ray& ray,
             float jitter, const MarchOutput& samples) {
  SF_CHECK_GT(options.step, 0);
  SF_CHECK_GE(options.near_distance, 0);
  SF_CHECK(options.cone_angle >= 0 && options.cone_angle < 1);
  if (!IsFinite(ray)) return 0;
  if (map.contracted) {
    return March(ContractedSpace(map, grid.resolution(), ray), grid, options, jitter, samples);
  }
  return March(BoundedSpace(map, grid.resolution(), ray), grid, options, jitter, samples);
}

}  // namespace semfield::ops
