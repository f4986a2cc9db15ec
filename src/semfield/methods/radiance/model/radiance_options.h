#pragma once

#include <optional>

#include "semfield/base/options.h"
#include "semfield/capture/capture.h"
#include "semfield/capture/known_depth.h"

namespace semfield {

// Steps that grow faster than this with distance, coarse phases included, tell nothing of what they pass.
inline constexpr double kMaxConeAngle = 0.5;

// Colour behind the scene while a field is trained.
enum class Background { kWhite, kBlack, kRandom };

// What is around: a whole scene, or nothing, as around a thing that was cut out.
enum class Surroundings { kScene, kNothing };

// What a radiance field is and how it is trained. A field without a value is decided from the capture by
// ResolveRadianceOptions, and config.json keeps the resolved values.
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
  std::optional<double> steps_across;  // marching steps across the scene's cube
  std::optional<double> cone_angle;    // step length per distance from the camera
  // A ray is not marched behind this optical depth of the occupancy grid's densities; 0: it always is.
  std::optional<double> stop_optical_depth;
  // The first marches take 2^(phases-1) times longer steps, halved phase by phase.
  std::optional<int> coarse_phases;
  int phase_steps = 150;
  // Schedule.
  int steps = 0;  // 0: decided by the job (minutes or preset)
  double grid_learning_rate = 1e-2;
  double mlp_learning_rate = 1.5e-2;
  double final_learning_rate = 0.03;  // share of the first one left at the end
  int warmup_steps = 20;
  // Losses.
  std::optional<double> distortion;
  double opacity = 0;                  // weight of the entropy of a ray's opacity
  std::optional<double> density_bias;  // added before the exponential
  double mlp_l2 = 0;
  double direction_decay = 0;  // of the network's step size, by which colours forget the direction in a step
  double grid_decay = 0;       // weight of every level's mean square (Zip-NeRF section 4)
  double total_variation = 0;  // of the grid around the samples (total_variation.h)
  double level_weight = 1;     // Adam's step size of a level over that of the next coarser one
  double average_last = 0;  // share of the steps, at the end, whose weights are averaged (weight_average.h)
  // Surfaces.
  double near_gradient = 0;        // distance, half extents, within which a sample's gradient is scaled down
  double plane = 0;                // weight of the bend of surfaces without texture (depth_losses.h)
  double plane_span = 0.05;        // distance of a trio's pixels, of the picture's longer side
  std::optional<double> nearness;  // weight of light from near by (depth_losses.h)
  std::optional<DepthSource> depth_supervision;
  double depth_weight = 0.03;
  // Differences between photos.
  bool exposure = false;  // an affine colour a training view (view_exposure.h)
  double exposure_penalty = 1e-5;
  bool refine_poses = false;  // a small motion a training view (pose_refinement.h)
  double pose_learning_rate = 3e-4;
  double pose_shift_decay = 100;  // of the step size, by which a shift shrinks in a step
  int pose_start = 100;           // step, but at most a quarter of all
  // Other.
  std::optional<Background> background;
  std::optional<Surroundings> surroundings;
  int seed = 1;

  // Whether most of the cube is empty, as resolved.
  bool IsObject() const { return surroundings == Surroundings::kNothing; }
  void Describe(OptionList& list);
};

// Gives every field a value. Depth supervision by what the capture does not have: InputError.
RadianceOptions ResolveRadianceOptions(RadianceOptions options, const Capture& capture);

}  // namespace semfield
