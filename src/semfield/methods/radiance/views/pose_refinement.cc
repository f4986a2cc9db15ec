#include "semfield/methods/radiance/views/pose_refinement.h"

#include <Eigen/Cholesky>
#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>

#include "semfield/base/error.h"

namespace semfield {
namespace {

constexpr int kNumbers = ViewTerm::kNumbers;
constexpr double kShiftUnit = PoseCorrection::kShiftUnit;
constexpr char kTensor[] = "poses";

Mat3 RotationOf(const Vec3& w) {
  const double angle = w.norm();
  return angle < 1e-12 ? Mat3(Mat3::Identity()) : Eigen::AngleAxisd(angle, w / angle).toRotationMatrix();
}

// exp([w + dw]x) = exp([J dw]x) exp([w]x): J is the left Jacobian of the rotation group at w.
Mat3 LeftJacobian(const Vec3& w) {
  const double angle = w.norm();
  Mat3 cross;
  cross << 0, -w.z(), w.y(), w.z(), 0, -w.x(), -w.y(), w.x(), 0;
  if (angle < 1e-4) return Mat3::Identity() + 0.5 * cross + cross * cross / 6;
  const double square = angle * angle;
  return Mat3::Identity() + (1 - std::cos(angle)) / square * cross +
         (angle - std::sin(angle)) / (square * angle) * cross * cross;
}

// Columns: what a view's (w, v) is when everything turns (3), shifts (3) and grows (1) around the mean of the
// centres.
Eigen::Matrix<double, kNumbers, 7> CommonMotion(const Vec3& center) {
  Eigen::Matrix<double, kNumbers, 7> motion = Eigen::Matrix<double, kNumbers, 7>::Zero();
  for (int k = 0; k < 3; ++k) {
    motion(k, k) = 1;
    motion.block<3, 1>(3, k) = Vec3::Unit(k).cross(center);
    motion(3 + k, 3 + k) = 1;
  }
  motion.block<3, 1>(3, 6) = center;
  return motion;
}

}  // namespace

PoseCorrection PoseCorrection::FromNumbers(const float numbers[6]) {
  PoseCorrection correction;
  for (int k = 0; k < 3; ++k) {
    correction.rotation[k] = numbers[k];
    correction.shift[k] = kShiftUnit * numbers[3 + k];
  }
  return correction;
}

void PoseCorrection::ScaleGradient(double d_correction[6]) {
  for (int k = 3; k < 6; ++k) d_correction[k] *= kShiftUnit;
}

Pose PoseCorrection::Apply(const Pose& given, double half_extent) const {
  return {RotationOf(rotation) * given.rotation, given.translation + half_extent * shift};
}

void PoseCorrection::Backward(const Ray& moved, const RayGradient& gradient, double half_extent,
                              double d_correction[6]) const {
  const Vec3 direction(moved.direction[0], moved.direction[1], moved.direction[2]);
  const Vec3 d_direction(gradient.direction[0], gradient.direction[1], gradient.direction[2]);
  // A turn by a further small e moves the direction by e x d, so dL/de = d x dL/dd.
  const Vec3 d_rotation = LeftJacobian(rotation).transpose() * direction.cross(d_direction);
  for (int k = 0; k < 3; ++k) {
    d_correction[k] = d_rotation[k];
    d_correction[3 + k] = half_extent * gradient.origin[k];
  }
}

PoseRefinement::PoseRefinement(const Capture& capture, double half_extent)
    : ViewTerm(kTensor, capture.views.size(), capture.train), half_extent_(half_extent) {
  Vec3 mean = Vec3::Zero();
  for (const int view : views()) mean += capture.views[view].world_from_camera.translation;
  mean /= static_cast<double>(std::max<size_t>(1, views().size()));
  for (const int view : views()) {
    centers_.push_back((capture.views[view].world_from_camera.translation - mean) / half_extent);
  }
  UpdateRotations();
}

PoseCorrection PoseRefinement::correction(int view) const {
  return enabled() ? PoseCorrection::FromNumbers(of(view)) : PoseCorrection();
}

void PoseRefinement::MoveRays(RayBatch* batch) const {
  if (!enabled()) return;
  for (size_t i = 0; i < batch->size(); ++i) {
    Ray& ray = batch->rays[i];
    const auto view = static_cast<size_t>(batch->view[i]);
    const float* rotation = rotations_.data() + 9 * view;
    const float* shift = of(batch->view[i]) + 3;
    const float d[3] = {ray.direction[0], ray.direction[1], ray.direction[2]};
    for (int k = 0; k < 3; ++k) {
      ray.direction[k] = rotation[3 * k] * d[0] + rotation[3 * k + 1] * d[1] + rotation[3 * k + 2] * d[2];
      ray.origin[k] += static_cast<float>(half_extent_ * kShiftUnit) * shift[k];
    }
  }
}

void PoseRefinement::Update(const RayBatch& batch, std::span<const RayGradient> gradients,
                            const PoseStep& step) {
  sums_.assign(block_.size(), 0.0);
  for (size_t i = 0; i < batch.size(); ++i) {
    double d_correction[kNumbers];
    correction(batch.view[i]).Backward(batch.rays[i], gradients[i], half_extent_, d_correction);
    PoseCorrection::ScaleGradient(d_correction);
    double* sum = sums_.data() + static_cast<size_t>(batch.view[i]) * kStride;
    for (int k = 0; k < kNumbers; ++k) sum[k] += d_correction[k];
  }
  for (size_t i = 0; i < sums_.size(); ++i) block_.gradient[i] = static_cast<float>(sums_[i]);
  block_.Step({.learning_rate = step.learning_rate, .step = step.step, .sparse = true});
  ShrinkShifts(std::max(0.0f, 1 - step.learning_rate * step.shift_decay));
  RemoveCommonMotion();
  UpdateRotations();
}

// Views without rays in this batch, whose gradients are zero, stay where they are, as they do in Adam.
void PoseRefinement::ShrinkShifts(float share) {
  for (const int view : views()) {
    const double* sum = sums_.data() + static_cast<size_t>(view) * kStride;
    if (std::all_of(sum, sum + kNumbers, [](double d) { return d == 0; })) continue;
    float* shift = of(view) + 3;
    for (int k = 0; k < 3; ++k) shift[k] *= share;
  }
}

void PoseRefinement::RemoveCommonMotion() {
  using Vec7 = Eigen::Matrix<double, 7, 1>;
  using Vec6 = Eigen::Matrix<double, kNumbers, 1>;
  // The ridge keeps a single camera, or cameras in one place, solvable; it is far below any real motion.
  Eigen::Matrix<double, 7, 7> normal = 1e-9 * Eigen::Matrix<double, 7, 7>::Identity();
  Vec7 right = Vec7::Zero();
  for (size_t i = 0; i < views().size(); ++i) {
    const auto motion = CommonMotion(centers_[i]);
    const PoseCorrection found = correction(views()[i]);
    Vec6 numbers;
    numbers << found.rotation, found.shift;
    normal += motion.transpose() * motion;
    right += motion.transpose() * numbers;
  }
  const Vec7 common = normal.ldlt().solve(right);
  for (size_t i = 0; i < views().size(); ++i) {
    const Vec6 part = CommonMotion(centers_[i]) * common;
    float* numbers = of(views()[i]);
    for (int k = 0; k < kNumbers; ++k) numbers[k] -= static_cast<float>(part[k] / (k < 3 ? 1 : kShiftUnit));
  }
}

void PoseRefinement::UpdateRotations() {
  const size_t num_views = block_.size() / kStride;
  rotations_.resize(9 * num_views);
  for (size_t view = 0; view < num_views; ++view) {
    const Mat3 rotation = RotationOf(correction(static_cast<int>(view)).rotation);
    for (int k = 0; k < 9; ++k) rotations_[9 * view + k] = static_cast<float>(rotation(k / 3, k % 3));
  }
}

void ApplyPoseCorrections(const SafetensorsFile& checkpoint, double half_extent, Capture* capture) {
  if (!checkpoint.Has(kTensor)) return;
  const std::span<const float> numbers = checkpoint.Get<float>(
      kTensor, {static_cast<int64_t>(capture->views.size()), int64_t{PoseRefinement::kStride}});
  for (const int view : capture->train) {
    const float* of_view = numbers.data() + static_cast<size_t>(view) * PoseRefinement::kStride;
    for (int k = 0; k < kNumbers; ++k) {
      if (!std::isfinite(of_view[k])) {
        throw InputError("refined poses of the checkpoint: view {}: not a number. Train anew", view);
      }
    }
    Pose& pose = capture->views[view].world_from_camera;
    pose = PoseCorrection::FromNumbers(of_view).Apply(pose, half_extent);
  }
}

}  // namespace semfield
