#include "semfield/geometry/pose_alignment.h"

#include <Eigen/Geometry>
#include <numbers>

#include "semfield/base/check.h"

namespace semfield {

std::vector<PoseDifference> DifferencesAfterAlignment(std::span<const Pose> poses,
                                                      std::span<const Pose> truth) {
  SF_CHECK_EQ(poses.size(), truth.size());
  if (poses.empty()) return {};
  const auto count = static_cast<Eigen::Index>(poses.size());
  Eigen::Matrix3Xd from(3, count), to(3, count);
  Mat3 sum = Mat3::Zero();
  for (Eigen::Index i = 0; i < count; ++i) {
    from.col(i) = poses[i].translation;
    to.col(i) = truth[i].translation;
    sum += truth[i].rotation * poses[i].rotation.transpose();
  }
  const Mat3 turn = NearestRotation(sum);
  const Mat4 similarity = count < 3 ? Mat4(Mat4::Identity()) : Mat4(Eigen::umeyama(from, to, true));
  std::vector<PoseDifference> differences(poses.size());
  for (Eigen::Index i = 0; i < count; ++i) {
    const Vec3 moved = (similarity * from.col(i).homogeneous()).head<3>();
    differences[i] = {
        .degrees = RotationAngle(turn * poses[i].rotation, truth[i].rotation) * 180 / std::numbers::pi,
        .distance = (moved - to.col(i)).norm()};
  }
  return differences;
}

}  // namespace semfield
