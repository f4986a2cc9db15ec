#include "semfield/diagnosis/tracks.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "semfield/base/median.h"

#include <Eigen/Dense>

namespace semfield::diagnosis {
namespace {

constexpr double kMinAngle = 0.01;  // radians between the widest two rays of a track
constexpr double kBehindPixels = 1e3;
constexpr double kAgreedPixels = 2;

class DisjointSets {
 public:
  explicit DisjointSets(size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), 0); }
  int Root(int i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void Join(int a, int b) {
    a = Root(a);
    b = Root(b);
    if (a != b) parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<int> parent_;
};

}  // namespace

std::vector<Track> BuildTracks(const Evidence& evidence, const std::vector<bool>& left_out,
                               size_t max_tracks) {
  std::vector<int> first(evidence.views.size() + 1, 0);
  for (size_t v = 0; v < evidence.views.size(); ++v)
    first[v + 1] = first[v] + static_cast<int>(evidence.views[v].keypoints.points.size());
  DisjointSets sets(first.back());
  for (const PairEvidence& pair : evidence.pairs) {
    if (left_out[pair.a] || left_out[pair.b]) continue;
    for (const auto& [i, j] : pair.matches) sets.Join(first[pair.a] + i, first[pair.b] + j);
  }
  std::map<int, Track> by_root;
  for (size_t v = 0; v < evidence.views.size(); ++v) {
    for (int k = first[v]; k < first[v + 1]; ++k)
      by_root[sets.Root(k)].seen.emplace_back(static_cast<int>(v), k - first[v]);
  }
  std::vector<Track> tracks;
  for (auto& [root, track] : by_root) {
    if (track.seen.size() < 3) continue;
    // Two keypoints of one photo cannot be one thing: a wrong match joined two tracks.
    const auto same_view = [](const auto& a, const auto& b) { return a.first == b.first; };
    if (std::adjacent_find(track.seen.begin(), track.seen.end(), same_view) == track.seen.end())
      tracks.push_back(std::move(track));
  }
  std::stable_sort(tracks.begin(), tracks.end(),
                   [](const Track& a, const Track& b) { return a.seen.size() > b.seen.size(); });
  if (tracks.size() > max_tracks) tracks.resize(max_tracks);
  return tracks;
}

bool Triangulate(const Evidence& evidence, const Placements& placements, const Track& track, Vec3* point,
                 double* widest_angle) {
  Mat3 normal = Mat3::Zero();
  Vec3 right = Vec3::Zero();
  std::vector<Vec3> rays;
  for (const auto& [v, k] : track.seen) {
    const Pose& pose = placements[v].world_from_camera;
    const Vec3 ray = pose.rotation * DirectionIn(placements[v], evidence.views[v].directions[k]);
    const Mat3 across = Mat3::Identity() - ray * ray.transpose();
    normal += across;
    right += across * pose.translation;
    rays.push_back(ray);
  }
  double smallest = 1;
  for (size_t i = 0; i < rays.size(); ++i) {
    for (size_t j = i + 1; j < rays.size(); ++j) smallest = std::min(smallest, rays[i].dot(rays[j]));
  }
  const double angle = std::acos(std::clamp(smallest, -1.0, 1.0));
  if (widest_angle != nullptr) *widest_angle = angle;
  if (angle < kMinAngle) return false;
  *point = normal.ldlt().solve(right);
  return point->allFinite();
}

double PixelError(const Evidence& evidence, const Placements& placements, std::pair<int, int> seen,
                  const Vec3& point) {
  const Placement& placement = placements[seen.first];
  const ViewEvidence& view = evidence.views[seen.first];
  const Vec3 there =
      placement.world_from_camera.rotation.transpose() * (point - placement.world_from_camera.translation);
  const Vec3 ray = DirectionIn(placement, view.directions[seen.second]);
  const double along = ray.dot(there);
  if (!(along > 0)) return kBehindPixels;
  return std::atan2((there - along * ray).norm(), along) * view.camera.fx * placement.focal;
}

TrackErrors MeasureTracks(const Evidence& evidence, const Placements& placements,
                          const std::vector<Track>& tracks) {
  TrackErrors result;
  std::vector<double> errors, angles, depths;
  for (const Track& track : tracks) {
    Vec3 point;
    double angle = 0;
    const bool good = Triangulate(evidence, placements, track, &point, &angle);
    angles.push_back(angle);
    if (!good) continue;
    ++result.num_tracks;
    for (const auto& seen : track.seen) {
      errors.push_back(PixelError(evidence, placements, seen, point));
      depths.push_back((point - placements[seen.first].world_from_camera.translation).norm());
    }
  }
  if (!angles.empty()) result.parallax = Median(std::move(angles));
  if (errors.empty()) return result;
  result.cost = 0;
  for (const double error : errors) result.cost += std::min(error, kErrorCut) / errors.size();
  result.median = Median(std::move(errors));
  result.depth = Median(std::move(depths));
  return result;
}

std::vector<double> LeaveOneOutErrors(const Evidence& evidence, const Placements& placements,
                                      const std::vector<Track>& tracks, int min_tracks) {
  std::vector<std::vector<double>> errors(placements.size());
  for (const Track& track : tracks) {
    for (size_t i = 0; i < track.seen.size(); ++i) {
      Track others = track;
      others.seen.erase(others.seen.begin() + static_cast<std::ptrdiff_t>(i));
      Vec3 point;
      if (!Triangulate(evidence, placements, others, &point)) continue;
      // Only points that the others agree about can be held against a view.
      const bool agreed = std::all_of(others.seen.begin(), others.seen.end(), [&](const auto& seen) {
        return PixelError(evidence, placements, seen, point) < kAgreedPixels;
      });
      if (agreed)
        errors[track.seen[i].first].push_back(PixelError(evidence, placements, track.seen[i], point));
    }
  }
  std::vector<double> medians;
  for (auto& list : errors)
    medians.push_back(static_cast<int>(list.size()) < min_tracks ? -1.0 : Median(std::move(list)));
  return medians;
}

}  // namespace semfield::diagnosis
