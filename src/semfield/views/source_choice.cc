#include "semfield/views/source_choice.h"

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "semfield/base/parallel.h"

namespace semfield {

std::vector<int> NearestSources(std::span<const DepthView> candidates, const Pose& world_from_target,
                                const Vec3& center, int count) {
  const Vec3 to_target = world_from_target.translation - center;
  const double reach = std::max(to_target.norm(), 1e-12);
  std::vector<double> cost(candidates.size());
  for (size_t i = 0; i < candidates.size(); ++i) {
    const Vec3& eye = candidates[i].world_from_camera.translation;
    const Vec3 to_source = eye - center;
    const double angle = std::atan2(to_target.cross(to_source).norm(), to_target.dot(to_source));
    cost[i] = angle + (eye - world_from_target.translation).norm() / reach;
    if (!candidates[i].Project(center)) cost[i] += 1e6;
  }
  std::vector<int> order(candidates.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return cost[a] < cost[b]; });
  order.resize(std::min<size_t>(order.size(), std::max(0, count)));
  return order;
}

std::vector<int> SeeingSources(std::span<const DepthView> candidates, std::span<const Vec3> places,
                               double cell_size, int count) {
  std::vector<std::vector<char>> sees(candidates.size(), std::vector<char>(places.size()));
  ParallelFor(static_cast<int64_t>(candidates.size()), [&](int64_t i, int) {
    for (size_t p = 0; p < places.size(); ++p) sees[i][p] = candidates[i].Sees(places[p], cell_size);
  });
  std::vector<int> chosen, seen_by(places.size(), 0);
  std::vector<char> taken(candidates.size());
  while (static_cast<int>(chosen.size()) < count) {
    int best = -1;
    double most = 0;
    for (size_t i = 0; i < candidates.size(); ++i) {
      if (taken[i]) continue;
      double adds = 0;
      for (size_t p = 0; p < places.size(); ++p) adds += sees[i][p] ? 1.0 / (seen_by[p] + 1) : 0;
      if (adds > most) most = adds, best = static_cast<int>(i);
    }
    if (best < 0) break;
    taken[best] = 1;
    chosen.push_back(best);
    for (size_t p = 0; p < places.size(); ++p) seen_by[p] += sees[best][p];
  }
  return chosen;
}

}  // namespace semfield
