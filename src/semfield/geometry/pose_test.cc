#include "semfield/geometry/pose.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <limits>
#include <numbers>

#include "semfield/base/random.h"

namespace semfield {
namespace {

Pose RandomPose(Random& random) {
  const auto uniform = [&] { return static_cast<double>(random.Uniform(-1, 1)); };
  const Vec3 axis = Vec3(uniform(), uniform(), uniform()).normalized();
  const double angle = 3 * uniform();
  return {Eigen::AngleAxisd(angle, axis).toRotationMatrix(), Vec3(uniform(), uniform(), uniform())};
}

TEST(Pose, ComposesAsMatricesAndInverts) {
  Random random(1);
  for (int i = 0; i < 100; ++i) {
    const Pose a = RandomPose(random), b = RandomPose(random);
    const Vec3 p(1, -2, 3);
    EXPECT_LT(((a * b) * p - a * (b * p)).norm(), 1e-14);
    EXPECT_LT(((a * b).Matrix() - a.Matrix() * b.Matrix()).norm(), 1e-14);
    EXPECT_LT(((a * a.Inverse()).Matrix() - Mat4::Identity()).norm(), 1e-14);
  }
}

TEST(Pose, FlipIsItsOwnInverseAndTurnsTheCameraNotThePlace) {
  Random random(2);
  const Pose pose = RandomPose(random);
  const Pose flipped = FlipOpenGlOpenCv(pose);
  EXPECT_EQ(flipped.translation, pose.translation);
  EXPECT_EQ(flipped.rotation.col(0), pose.rotation.col(0));
  EXPECT_EQ(flipped.rotation.col(1), -pose.rotation.col(1));
  EXPECT_EQ(flipped.rotation.col(2), -pose.rotation.col(2));
  EXPECT_EQ(FlipOpenGlOpenCv(flipped).rotation, pose.rotation);
}

TEST(IsRigid, RejectsScaleReflectionShearAndWhatIsNotFinite) {
  Random random(3);
  const Pose good = RandomPose(random);
  EXPECT_TRUE(IsRigid(good));
  Pose bad = good;
  bad.rotation *= 1.01;
  EXPECT_FALSE(IsRigid(bad));
  bad = good;
  bad.rotation.col(0) *= -1;
  EXPECT_FALSE(IsRigid(bad));
  bad = good;
  bad.rotation.col(0) += 0.01 * bad.rotation.col(1);
  EXPECT_FALSE(IsRigid(bad));
  for (const double value :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    bad = good;
    bad.rotation(1, 2) = value;
    EXPECT_FALSE(IsRigid(bad));
    bad = good;
    bad.translation[1] = value;
    EXPECT_FALSE(IsRigid(bad));
  }
  bad = good;
  bad.rotation(0, 0) += 1e-5;
  EXPECT_TRUE(IsRigid(bad));
  EXPECT_FALSE(IsRigid(bad, 1e-7));
  EXPECT_FALSE(IsRigid({Mat3::Zero(), Vec3::Zero()}));
}

TEST(NearestRotation, UndoesSmallErrorsAndAlwaysRotates) {
  Random random(4);
  for (int i = 0; i < 100; ++i) {
    const Mat3 rotation = RandomPose(random).rotation;
    EXPECT_LT((NearestRotation(1.7 * rotation) - rotation).norm(), 1e-12);
    Mat3 noise;
    for (int k = 0; k < 9; ++k) noise(k) = random.Uniform(-1e-4f, 1e-4f);
    const Mat3 nearest = NearestRotation(rotation + noise);
    EXPECT_TRUE(IsRigid({nearest, Vec3::Zero()}, 1e-12));
    EXPECT_LT(RotationAngle(nearest, rotation), 1e-3);
    EXPECT_TRUE(IsRigid({NearestRotation(-rotation), Vec3::Zero()}, 1e-12));
  }
}

TEST(Interpolate, MovesAtConstantAngularSpeed) {
  Random random(5);
  for (int i = 0; i < 50; ++i) {
    const Pose a = RandomPose(random), b = RandomPose(random);
    EXPECT_EQ(Interpolate(a, b, 0).rotation, a.rotation);
    EXPECT_EQ(Interpolate(a, b, 1).rotation, b.rotation);
    EXPECT_EQ(Interpolate(a, b, 1).translation, b.translation);
    const double whole = RotationAngle(a.rotation, b.rotation);
    for (const double t : {0.1, 0.5, 0.9}) {
      const Pose between = Interpolate(a, b, t);
      EXPECT_TRUE(IsRigid(between, 1e-12));
      EXPECT_NEAR(RotationAngle(a.rotation, between.rotation), t * whole, 1e-9);
      EXPECT_NEAR(RotationAngle(between.rotation, b.rotation), (1 - t) * whole, 1e-9);
      EXPECT_LT((between.translation - ((1 - t) * a.translation + t * b.translation)).norm(), 1e-14);
      EXPECT_LT((Interpolate(b, a, 1 - t).rotation - between.rotation).norm(), 1e-9);
    }
    EXPECT_LT((Interpolate(a, a, 0.3).rotation - a.rotation).norm(), 1e-12);
  }
}

TEST(RotationAngle, IsExactForTinyAndLargeAngles) {
  for (const double angle : {0.0, 1e-9, 1e-4, 1.0, 3.0, std::numbers::pi}) {
    const Mat3 rotation = Eigen::AngleAxisd(angle, Vec3(1, 2, -2) / 3).toRotationMatrix();
    EXPECT_NEAR(RotationAngle(Mat3::Identity(), rotation), angle, 1e-12 + 1e-8 * (angle > 3.1));
  }
}

TEST(LookAt, PutsTheTargetAheadAndUpAbove) {
  const Vec3 eye(1, -4, 2), target(0.5, 1, 0), up(0, 0, 1);
  const Pose world_from_camera = LookAt(eye, target, up);
  EXPECT_TRUE(IsRigid(world_from_camera, 1e-12));
  const Vec3 seen = world_from_camera.Inverse() * target;
  EXPECT_NEAR(seen.x(), 0, 1e-12);
  EXPECT_NEAR(seen.y(), 0, 1e-12);
  EXPECT_NEAR(seen.z(), (target - eye).norm(), 1e-12);
  EXPECT_LT((world_from_camera.Inverse() * (target + up)).y(), 0);   // image y goes down
  EXPECT_NEAR(world_from_camera.rotation.col(0).dot(up), 0, 1e-12);  // the horizon is level
  const Pose axes = LookAt(Vec3::Zero(), Vec3(0, 0, 5), Vec3(0, -1, 0));
  EXPECT_LT((axes.rotation - Mat3::Identity()).norm(), 1e-12);
  EXPECT_TRUE(IsRigid(LookAt(eye, eye + up, up), 1e-12));  // straight up
}

}  // namespace
}  // namespace semfield
