#include "semfield/methods/feature_field/pose_sampler.h"

#include <algorithm>
#include <numeric>

#include "semfield/base/random.h"

namespace semfield {
namespace {

// How far two poses are apart: centres in units of the cameras' spread, plus the angle between them. A
// neighbour is near and looks the same way, so that what lies between is a view somebody might have taken.
double PoseDistance(const Pose& a, const Pose& b, double spread) {
  return (a.translation - b.translation).norm() / spread + RotationAngle(a.rotation, b.rotation);
}

double Spread(const Capture& capture) {
  Vec3 mean = Vec3::Zero();
  for (int view : capture.train) mean += capture.views[view].world_from_camera.translation;
  mean /= static_cast<double>(capture.train.size());
  double sum = 0;
  for (int view : capture.train) sum += (capture.views[view].world_from_camera.translation - mean).norm();
  return std::max(sum / static_cast<double>(capture.train.size()), 1e-9);
}

}  // namespace

PoseSampler::PoseSampler(const Capture& capture, const FeatureOptions& options)
    : capture_(capture), options_(options) {
  const int n = static_cast<int>(capture.train.size());
  const double spread = Spread(capture);
  partners_.resize(n);
  for (int i = 0; i < n; ++i) {
    std::vector<int> others;
    for (int j = 0; j < n; ++j) {
      if (j != i) others.push_back(j);
    }
    if (options.pairs == PosePairs::kNeighbors) {
      const auto pose = [&](int k) -> const Pose& {
        return capture.views[capture.train[k]].world_from_camera;
      };
      std::stable_sort(others.begin(), others.end(), [&](int a, int b) {
        return PoseDistance(pose(i), pose(a), spread) < PoseDistance(pose(i), pose(b), spread);
      });
      others.resize(std::min<size_t>(others.size(), options.neighbors));
    }
    partners_[i] = std::move(others);
  }
}

std::pair<Camera, Pose> PoseSampler::Sample(int64_t index) const {
  Random random(MixSeed(options_.seed, index), 21);
  const int n = static_cast<int>(capture_.train.size());
  // One round over the training poses before any comes again.
  std::vector<int> order(n);
  std::iota(order.begin(), order.end(), 0);
  Random shuffle(MixSeed(options_.seed, index / n), 22);
  for (int i = n - 1; i > 0; --i) std::swap(order[i], order[shuffle.Below(i + 1)]);
  const int first = order[index % n];
  const View& view = capture_.views[capture_.train[first]];
  Camera camera = view.camera;
  Pose pose = view.world_from_camera;
  if (options_.augment && !partners_[first].empty()) {
    const int second = partners_[first][random.Below(static_cast<uint32_t>(partners_[first].size()))];
    pose = Interpolate(pose, capture_.views[capture_.train[second]].world_from_camera, random.Uniform());
  }
  const double jitter = options_.field_of_view_jitter * (2 * random.Uniform() - 1);
  camera.fx *= 1 + jitter;
  camera.fy *= 1 + jitter;
  return {camera, pose};
}

}  // namespace semfield
