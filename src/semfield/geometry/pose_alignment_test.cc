#include "semfield/geometry/pose_alignment.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <cmath>

#include "semfield/geometry/geometry_test_util.h"

namespace semfield {
namespace {

std::vector<Pose> RandomPoses(int count, Random& random) {
  std::vector<Pose> poses;
  for (int i = 0; i < count; ++i) {
    poses.push_back(LookAt(RandomVec3(random, 5), RandomVec3(random, 1), Vec3::UnitZ()));
  }
  return poses;
}

TEST(PoseAlignment, ACommonMotionIsNoDifference) {
  Random random(1, 1);
  const std::vector<Pose> truth = RandomPoses(9, random);
  const Mat3 turn = Eigen::AngleAxisd(0.7, RandomVec3(random, 1).normalized()).toRotationMatrix();
  std::vector<Pose> poses;
  for (const Pose& pose : truth) {
    poses.push_back({turn * pose.rotation, 2.5 * turn * pose.translation + Vec3(1, -2, 3)});
  }
  for (const PoseDifference& difference : DifferencesAfterAlignment(poses, truth)) {
    EXPECT_NEAR(difference.degrees, 0, 1e-9);
    EXPECT_NEAR(difference.distance, 0, 1e-9);
  }
}

TEST(PoseAlignment, WhatOneCameraDoesAloneRemains) {
  Random random(2, 1);
  const std::vector<Pose> truth = RandomPoses(400, random);
  std::vector<Pose> poses = truth;
  poses[5].rotation = Eigen::AngleAxisd(0.02, Vec3::UnitX()).toRotationMatrix() * poses[5].rotation;
  poses[7].translation += Vec3(0, 0.3, 0);
  const std::vector<PoseDifference> differences = DifferencesAfterAlignment(poses, truth);
  EXPECT_NEAR(differences[5].degrees, 0.02 * 180 / M_PI, 0.01);
  EXPECT_NEAR(differences[7].distance, 0.3, 0.01);
  EXPECT_LT(differences[9].degrees, 0.01);
  EXPECT_LT(differences[9].distance, 0.01);
}

TEST(PoseAlignment, NoneAndFewPoses) {
  EXPECT_TRUE(DifferencesAfterAlignment({}, {}).empty());
  Random random(3, 1);
  const std::vector<Pose> one = RandomPoses(1, random);
  EXPECT_NEAR(DifferencesAfterAlignment(one, one)[0].distance, 0, 1e-12);
}

}  // namespace
}  // namespace semfield
