#pragma once

#include <span>
#include <vector>

#include "semfield/capture/capture.h"
#include "semfield/capture/ray_batch.h"
#include "semfield/geometry/pose.h"
#include "semfield/methods/radiance/training/ray_gradients.h"
#include "semfield/methods/radiance/views/view_term.h"
#include "semfield/training/safetensors.h"

namespace semfield {

// A small motion of a camera: a turn about its own centre by the rotation vector w (radians, world axes) and
// a shift v of the centre (in half extents of the scene's cube, world axes):
//   R' = exp([w]x) R,  c' = c + half_extent v.
struct PoseCorrection {
  // A turn and a shift across the view look alike from afar, and one step of Adam is as long for either:
  // optimizers count shifts in this part of a half extent, so that what could be both becomes mostly a turn.
  static constexpr double kShiftUnit = 0.2;

  Vec3 rotation = Vec3::Zero();
  Vec3 shift = Vec3::Zero();

  // From the six numbers that optimizers see: w, and v in units of kShiftUnit.
  static PoseCorrection FromNumbers(const float numbers[6]);
  // Turns dL/d(w, v) into the gradient of these numbers.
  static void ScaleGradient(double d_correction[6]);

  Pose Apply(const Pose& given, double half_extent) const;
  // dL/d(w, v) of one ray that this correction has moved, from the ray's gradient.
  void Backward(const Ray& moved, const RayGradient& gradient, double half_extent,
                double d_correction[6]) const;
};

// How PoseRefinement::Update steps.
struct PoseStep {
  float learning_rate = 0;  // radians, and kShiftUnit half extents
  int step = 1;             // counts from 1
  // Shifts of the views that have rays shrink by the learning rate times this. Photos tell a turn well and a
  // shift by parallax alone, so that without it the two drift apart together, each undoing the other.
  float shift_decay = 0;
};

// Poses that structure from motion gave are slightly off. Each training view gets a correction, learned with
// the field from the gradients of its rays (in the manner of BARF, Lin et al. 2021).
//
// A motion, turn or growth of all cameras at once is none that the photos could tell from the same of the
// field. What of the corrections looks like one is taken out after every step (least squares over the seven
// numbers of a small similarity), so that the field stays where the given poses say, and views that were not
// trained on see it there.
class PoseRefinement : public ViewTerm {
 public:
  PoseRefinement() = default;
  // For the training views of the capture. half_extent: of the scene's cube.
  PoseRefinement(const Capture& capture, double half_extent);

  // Moves the rays of a batch, drawn at the given poses, to where the corrected cameras see them. Nothing
  // when not enabled.
  void MoveRays(RayBatch* batch) const;
  // One Adam step. The batch's rays are moved ones; their gradients are summed in their order.
  void Update(const RayBatch& batch, std::span<const RayGradient> gradients, const PoseStep& step);

  // Of a view; zero for views that are not trained on.
  PoseCorrection correction(int view) const;

 private:
  void ShrinkShifts(float share);
  void RemoveCommonMotion();
  void UpdateRotations();
  void AfterLoad() override { UpdateRotations(); }

  std::vector<Vec3> centers_;  // [views()] around their mean, in half extents
  double half_extent_ = 1;
  std::vector<double> sums_;      // [num_views, kStride] of the gradient, over the rays
  std::vector<float> rotations_;  // [num_views, 9] exp([w]x), row-major
};

// Replaces the poses of a capture's training views by the refined ones that a checkpoint holds; nothing if it
// holds none. Not finite or of another number of views: Error.
void ApplyPoseCorrections(const SafetensorsFile& checkpoint, double half_extent, Capture* capture);

}  // namespace semfield
