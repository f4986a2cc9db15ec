#include "semfield/capture/bounds.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <optional>

#include "semfield/base/error.h"
#include "semfield/base/parallel.h"
#include "semfield/capture/view_files.h"
#include "semfield/image/codecs.h"

namespace semfield {
namespace {

constexpr int kDepthViews = 20;
constexpr double kDegree = 0.017453292519943295;
constexpr double kBlenderHalfExtent = 1.5;

double Quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  const size_t k = std::min(values.size() - 1, static_cast<size_t>(q * static_cast<double>(values.size())));
  std::nth_element(values.begin(), values.begin() + k, values.end());
  return values[k];
}

Vec3 Forward(const View& view) {
  return view.world_from_camera.rotation.col(2);
}

std::vector<double> Distances(const std::vector<View>& views, const Vec3& point) {
  std::vector<double> distances;
  for (const View& view : views) distances.push_back((view.world_from_camera.translation - point).norm());
  return distances;
}

// Largest coordinate difference: whether a camera is inside a cube around `point` is a matter of this norm.
std::vector<double> CubeDistances(const std::vector<View>& views, const Vec3& point) {
  std::vector<double> distances;
  for (const View& view : views) {
    distances.push_back((view.world_from_camera.translation - point).cwiseAbs().maxCoeff());
  }
  return distances;
}

// Solves sum_i (I - d_i d_i^T) (p - o_i) = 0; nothing when the axes are too parallel to meet.
std::optional<Vec3> NearestToAxes(const std::vector<View>& views) {
  Mat3 a = Mat3::Zero();
  Vec3 b = Vec3::Zero();
  for (const View& view : views) {
    const Mat3 across = Mat3::Identity() - Forward(view) * Forward(view).transpose();
    a += across;
    b += across * view.world_from_camera.translation;
  }
  const Eigen::SelfAdjointEigenSolver<Mat3> solver(a / static_cast<double>(views.size()));
  // The smallest eigenvalue is the mean squared sine of the axes to their common direction.
  if (solver.eigenvalues()[0] < std::pow(std::sin(2 * kDegree), 2)) return std::nullopt;
  return a.ldlt().solve(b);
}

bool LooksInward(const std::vector<View>& views, const Vec3& point, double spread) {
  if (spread <= 0) return false;
  int in_front = 0;
  std::vector<double> miss;  // angle between the optical axis and the direction to the point
  for (const View& view : views) {
    const Vec3 to_point = point - view.world_from_camera.translation;
    const double along = to_point.dot(Forward(view));
    if (along > 0.1 * spread) ++in_front;
    miss.push_back(std::atan2(to_point.cross(Forward(view)).norm(), along));
  }
  return in_front >= 0.9 * static_cast<double>(views.size()) && Quantile(miss, 0.5) < 25 * kDegree;
}

// Widest half field of view, as a tangent.
double TangentOf(const Camera& camera) {
  const double x = std::max(camera.cx, camera.width - camera.cx) / camera.fx;
  const double y = std::max(camera.cy, camera.height - camera.cy) / camera.fy;
  return std::min(std::max(x, y), 1.7);
}

Box3 CubeAround(const Vec3& center, double half) {
  return {center - Vec3::Constant(half), center + Vec3::Constant(half)};
}

// Points of one depth map in the world, at most about 10,000, one per grid cell.
std::vector<Vec3> Unproject(const View& view, double unit) {
  const ImageU16 depth = ReadImage16(view.depth);
  std::vector<Vec3> points;
  const int step = std::max(1, static_cast<int>(std::sqrt(static_cast<double>(depth.num_pixels()) / 1e4)));
  for (int y = 0; y < depth.height; y += step) {
    for (int x = 0; x < depth.width; x += step) {
      const uint16_t value = depth.At(x, y);
      if (value == 0 || value == 65535) continue;
      const Vec2 pixel((x + 0.5) * view.camera.width / depth.width,
                       (y + 0.5) * view.camera.height / depth.height);
      const Vec3 direction = view.camera.DirectionAt(pixel);
      if (direction.z() < 1e-3) continue;
      points.push_back(view.world_from_camera * (direction * (value * unit / direction.z())));
    }
  }
  return points;
}

// Lowest and highest value; single far-off pixels of a real sensor may not blow the box up to more than three
// times the range that holds 98 % of all.
std::pair<double, double> SafeRange(std::vector<double> values) {
  const double low = Quantile(values, 0.01), high = Quantile(values, 0.99);
  const auto [min, max] = std::minmax_element(values.begin(), values.end());
  return {std::max(*min, low - (high - low)), std::min(*max, high + (high - low))};
}

bool BoundsFromDepth(Capture* capture) {
  std::vector<int> with_depth;
  for (size_t i = 0; i < capture->views.size(); ++i) {
    if (!capture->views[i].depth.empty()) with_depth.push_back(static_cast<int>(i));
  }
  if (with_depth.empty()) return false;
  const int count = std::min<int>(kDepthViews, static_cast<int>(with_depth.size()));
  std::vector<std::vector<Vec3>> points(count);
  ParallelFor(count, [&](int64_t k, int) {
    const View& view = capture->views[with_depth[k * static_cast<int64_t>(with_depth.size()) / count]];
    points[k] = Unproject(view, capture->depth_unit);
  });
  Box3 box;
  for (int axis = 0; axis < 3; ++axis) {
    std::vector<double> values;
    for (const auto& of_view : points) {
      for (const Vec3& p : of_view) values.push_back(p[axis]);
    }
    if (values.empty()) return false;
    std::tie(box.min[axis], box.max[axis]) = SafeRange(std::move(values));
    for (const View& view : capture->views) {
      box.min[axis] = std::min(box.min[axis], view.world_from_camera.translation[axis]);
      box.max[axis] = std::max(box.max[axis], view.world_from_camera.translation[axis]);
    }
  }
  const double padding = std::max(0.01 * box.Extent().maxCoeff(), 1e-9);
  capture->bounds = {box.min - Vec3::Constant(padding), box.max + Vec3::Constant(padding)};
  capture->extent = SceneExtent::kBounded;
  capture->bounds_rule =
      fmt::format("box of the depth maps of {} views and the cameras, with 1 % padding", count);
  return true;
}

bool BoundsFromAlpha(Capture* capture) {
  const CameraLayout layout = AnalyzeLayout(capture->views);
  if (!layout.inward) return false;
  double half = std::numeric_limits<double>::infinity();
  for (const View& view : capture->views) {
    const double distance = (view.world_from_camera.translation - layout.look_at).norm();
    half = std::min(half, distance * TangentOf(view.camera));
  }
  const double reach = layout.look_at.cwiseAbs().maxCoeff() + half;
  capture->extent = SceneExtent::kBounded;
  if (reach <= 1.1 * kBlenderHalfExtent && half >= kBlenderHalfExtent / 3) {
    capture->bounds = CubeAround(Vec3::Zero(), kBlenderHalfExtent);
    capture->bounds_rule = "images with alpha: the cube [-1.5, 1.5]^3 of NeRF synthetic scenes";
  } else {
    capture->bounds = CubeAround(layout.look_at, half);
    capture->bounds_rule = "images with alpha: the cube seen by all cameras, around the point they look at";
  }
  return true;
}

void SetUnbounded(Capture* capture, const Vec3& center, double half, const std::string& rule) {
  capture->extent = SceneExtent::kUnbounded;
  capture->bounds = CubeAround(center, half > 1e-9 ? half : 1.0);
  capture->bounds_rule = rule;
}

// In front of forward-facing cameras, where the near and far depths of the views say what they see: the cube
// is centred half-way between them in disparity and as wide as the frustums are there. The cameras may lie
// outside, where there is nothing to resolve.
bool BoundsFromDepthRange(const CameraLayout& layout, Capture* capture) {
  std::vector<double> nears, fars, tangents;
  for (const View& view : capture->views) {
    if (!(view.near_depth > 0 && view.far_depth > view.near_depth)) continue;
    nears.push_back(view.near_depth);
    fars.push_back(view.far_depth);
    tangents.push_back(TangentOf(view.camera));
  }
  if (nears.empty()) return false;
  const double near = Quantile(nears, 0.5), far = Quantile(fars, 0.5);
  const double middle = 2 / (1 / near + 1 / far);
  const double half = std::max(middle - near, middle * Quantile(tangents, 0.5) + layout.spread);
  SetUnbounded(capture, layout.mean_center + middle * layout.mean_forward, std::min(half, middle),
               "cube in front of forward-facing cameras, between their near and far depths");
  return true;
}

}  // namespace

CameraLayout AnalyzeLayout(const std::vector<View>& views) {
  CameraLayout layout;
  if (views.empty()) return layout;
  const double n = static_cast<double>(views.size());
  Vec3 forward = Vec3::Zero();
  for (const View& view : views) {
    layout.mean_center += view.world_from_camera.translation / n;
    forward += Forward(view) / n;
  }
  layout.mean_forward = forward.norm() > 1e-9 ? forward.normalized() : Vec3::UnitZ();
  layout.spread = Quantile(Distances(views, layout.mean_center), 0.5);
  double squares = 0;
  for (const View& view : views) {
    squares += std::pow(std::acos(std::clamp(Forward(view).dot(layout.mean_forward), -1.0, 1.0)), 2);
  }
  layout.axis_angle = std::sqrt(squares / n);
  layout.forward_facing = layout.axis_angle < 20 * kDegree;
  const std::optional<Vec3> nearest = NearestToAxes(views);
  layout.look_at = nearest.value_or(layout.mean_center);
  layout.inward = nearest && LooksInward(views, *nearest, layout.spread);
  layout.look_at_distance = Quantile(Distances(views, layout.look_at), 0.5);
  return layout;
}

void DecideUnboundedBounds(Capture* capture) {
  const std::vector<View>& views = capture->views;
  const CameraLayout layout = AnalyzeLayout(views);
  if (layout.inward && !layout.forward_facing) {
    const double half =
        std::max(layout.look_at_distance, Quantile(CubeDistances(views, layout.look_at), 0.9));
    SetUnbounded(capture, layout.look_at, half,
                 "cube around the point the cameras look at, out to the cameras");
  } else if (layout.forward_facing && BoundsFromDepthRange(layout, capture)) {
    return;
  } else if (layout.forward_facing) {
    // Without the axes meeting there is no telling how far the scene is; parallax is seldom useful beyond a
    // few baselines.
    const double distance = std::max(layout.inward ? layout.look_at_distance : 0.0, 4 * layout.spread);
    const Vec3 center = layout.mean_center + distance * layout.mean_forward;
    const double half = std::max(distance, Quantile(CubeDistances(views, center), 1.0));
    SetUnbounded(capture, center, half, "cube in front of forward-facing cameras");
  } else {
    const double half = 1.5 * Quantile(CubeDistances(views, layout.mean_center), 0.95);
    SetUnbounded(capture, layout.mean_center, half,
                 "cube around cameras that look outward, 1.5 times their extent");
  }
}

void DecideBounds(Capture* capture) {
  if (BoundsFromDepth(capture)) return;
  if (capture->HasAlpha() && BoundsFromAlpha(capture)) return;
  DecideUnboundedBounds(capture);
}

}  // namespace semfield
