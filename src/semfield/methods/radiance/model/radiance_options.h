#pragma once

#include <string>

#include "semfield/base/options.h"
#include "semfield/capture/capture.h"

namespace semfield {

// What a radiance field is and how it is trained. A field left at "auto" (negative, or the word) is decided
// from the capture by ResolveRadianceOptions, and config.json keeps the resolved values.
struct RadianceOptions {
  // Grid (Instant NGP section 3) and networks.
  int levels = 8;
  int features_per_level = 4;
  int log2_table_size = 18;
  int base_resolution = 16;
  int finest_resolution = 2048;
  int hidden = 64;
  // Of training steps only: slopes of a density in bfloat16 are no good for normals.
  bool bfloat16 = true;
  int occupancy_resolution = 128;
  // Sampling.
  int samples_per_step = 65536;
  double steps_across = 0;  // marching steps across the scene's cube; 0: auto
  double cone_angle = -1;   // step length per distance from the camera; < 0: auto
  // A ray is not marched behind this optical depth of the occupancy grid's densities; 0: it always is.
  double stop_optical_depth = -1;
  int coarse_phases = -1;  // the first marches take 2^(phases-1) times longer steps, halved phase by phase
  int phase_steps = 150;
  // Schedule.
  int steps = 0;  // 0: decided by the job (minutes or preset)
  double grid_learning_rate = 1e-2;
  double mlp_learning_rate = 1.5e-2;
  double final_learning_rate = 0.03;  // share of the first one left at the end
  int warmup_steps = 20;
  // Losses.
  double distortion = -1;
  double opacity = 0;          // weight of the entropy of a ray's opacity
  double density_bias = -100;  // added before the exponential; -100: auto
  double mlp_l2 = 0;
  double direction_decay = 0;  // of the network's step size, by which colours forget the direction in a step
  double grid_decay = 0;       // weight of every level's mean square (Zip-NeRF section 4)
  double total_variation = 0;  // of the grid around the samples (total_variation.h)
  double level_weight = 1;     // Adam's step size of a level over that of the next coarser one
  double average_last = 0;  // share of the steps, at the end, whose weights are averaged (weight_average.h)
  // Differences between photos.
  bool exposure = false;  // an affine colour a training view (view_exposure.h)
  double exposure_penalty = 1e-5;
  bool refine_poses = false;  // a small motion a training view (pose_refinement.h)
  double pose_learning_rate = 3e-4;
  double pose_shift_decay = 100;  // of the step size, by which a shift shrinks in a step
  int pose_start = 100;           // step, but at most a quarter of all
  // Other.
  std::string background = "auto";
  std::string surroundings = "auto";  // scene, or nothing: a thing that stands in the void
  int seed = 1;

  // Whether most of the cube is empty, as resolved.
  bool IsObject() const { return surroundings == "nothing"; }
  void Describe(OptionList& list);
};

// Fills every field left at auto; `background` becomes white, black or random, `surroundings` scene or
// nothing.
RadianceOptions ResolveRadianceOptions(RadianceOptions options, const Capture& capture);

}  // namespace semfield
