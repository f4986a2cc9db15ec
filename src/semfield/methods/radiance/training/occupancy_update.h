#pragma once

#include <vector>

#include "semfield/methods/radiance/model/point_density.h"
#include "semfield/methods/radiance/model/radiance_model.h"

namespace semfield {

// Keeps the occupancy grid in step with the field: every few training steps a part of the cells is evaluated
// at a random point, so that a whole sweep costs a few per cent of the training.
class OccupancyUpdate {
 public:
  // A cell is kept where a step of training through it may have an opacity of more than `min_opacity`.
  explicit OccupancyUpdate(const RadianceModel& model, float min_opacity = kMinOpacity);
  // To be called after training step `step` (counted from 1).
  void AfterStep(int step, int num_active_levels, RadianceModel& model);

  // The occupancy bits of a training at `step` (with the same min_opacity: those that it had), from the
  // densities of its checkpoint.
  void Restore(int step, RadianceModel& model);

  static constexpr int kFirstSweepEnd = 96;  // no cell is pruned before all were looked at
  static constexpr float kMinOpacity = 0.01f;
  // For looking at a field. Cells that training leaves out cost a tenth of a decibel.
  static constexpr float kMinOpacityToView = 0.0035f;

 private:
  void Evaluate(RadianceModel& model, int num_active_levels, uint64_t stream, float decay);
  void Rebuild(RadianceModel& model);

  std::vector<float> cell_threshold_;  // contracted maps: density below which a cell is not kept
  float threshold_ = 0;
  bool object_ = false;  // something on nothing: most of the cube is empty
  PointDensity density_;
  std::vector<uint32_t> cells_;
  std::vector<float> x_, y_, z_, values_;
};

}  // namespace semfield
