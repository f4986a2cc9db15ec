#pragma once

// Captures whose poses are off by a known amount, and how far they are from the truth.

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <vector>

#include "semfield/base/random.h"
#include "semfield/capture/capture.h"
#include "semfield/geometry/pose_alignment.h"

namespace semfield {

struct PoseDisturbance {
  double degrees = 0.5;  // every training view is turned by so much about a random axis
  double shift = 0;      // and shifted by so many world units in a random direction
  int seed = 1;
};

inline Vec3 RandomDirection(Random& random) {
  Vec3 direction;
  do {
    for (int k = 0; k < 3; ++k) direction[k] = random.Uniform(-1, 1);
  } while (direction.norm() > 1 || direction.norm() < 0.1);
  return direction.normalized();
}

inline void DisturbPoses(const PoseDisturbance& disturbance, Capture* capture) {
  Random random(disturbance.seed, 40);
  for (const int view : capture->train) {
    Pose& pose = capture->views[view].world_from_camera;
    const Vec3 axis = RandomDirection(random);
    pose.rotation =
        Eigen::AngleAxisd(disturbance.degrees * M_PI / 180, axis).toRotationMatrix() * pose.rotation;
    pose.translation += disturbance.shift * RandomDirection(random);
  }
}

// Medians over the training views, after what all share was taken out.
inline PoseDifference MedianPoseError(const Capture& truth, const Capture& poses) {
  std::vector<Pose> a, b;
  for (const int view : truth.train) {
    a.push_back(poses.views[view].world_from_camera);
    b.push_back(truth.views[view].world_from_camera);
  }
  const std::vector<PoseDifference> differences = DifferencesAfterAlignment(a, b);
  const auto median = [&](double PoseDifference::*value) {
    std::vector<double> values;
    for (const PoseDifference& difference : differences) values.push_back(difference.*value);
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  };
  return {.degrees = median(&PoseDifference::degrees), .distance = median(&PoseDifference::distance)};
}

}  // namespace semfield
