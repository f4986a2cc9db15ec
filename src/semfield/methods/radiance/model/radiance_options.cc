#include "semfield/methods/radiance/model/radiance_options.h"

namespace semfield {

void RadianceOptions::Describe(OptionList& list) {
  list.Group("Field");
  list.Int("levels", &levels, "Levels of the hash grid.", {.min = 1, .max = 32});
  list.Int("features-per-level", &features_per_level, "Features a level: 2, 4 or 8.", {.min = 2, .max = 8});
  list.Int("log2-table-size", &log2_table_size, "Binary logarithm of the entries a level may have.",
           {.min = 8, .max = 24});
  list.Int("base-resolution", &base_resolution, "Cells a side of the coarsest level.",
           {.min = 2, .max = 512});
  list.Int("finest-resolution", &finest_resolution, "Cells a side of the finest level.",
           {.min = 2, .max = 65536});
  list.Int("hidden", &hidden, "Width of both networks.", {.min = 16, .max = 256});
  list.Flag("bfloat16", &bfloat16, "Train with networks that multiply in bfloat16, where the processor can.");
  list.Int("occupancy-resolution", &occupancy_resolution,
           "Cells a side of the occupancy grid (a multiple of 8).", {.min = 8, .max = 512});
  list.Group("Sampling");
  list.Int("samples-per-step", &samples_per_step,
           "Samples a training step aims at; rays a step follow from it.", {.min = 1024, .max = 1 << 24});
  list.Real("steps-across", &steps_across,
            "Marching steps across the scene's cube; 0 decides from the capture.", {.min = 0, .max = 16384});
  list.Real("cone-angle", &cone_angle, "Growth of a marching step with distance; negative decides.",
            {.max = 1});
  list.Real(
      "stop-optical-depth", &stop_optical_depth,
      "A ray ends shortly after this optical depth in the occupancy grid's own mean densities; 0: never; "
      "negative decides.",
      {.max = 1e6});
  list.Int("coarse-phases", &coarse_phases,
           "Training starts with steps 2^(phases-1) times longer, halved phase by phase; negative decides.",
           {.min = -1, .max = 8});
  list.Int("phase-steps", &phase_steps, "Training steps of one such phase.", {.min = 1, .max = 100000});
  list.Group("Schedule");
  list.Int("steps", &steps, "Optimizer steps; 0 leaves it to the minutes asked for or to the preset.",
           {.min = 0, .max = 1e8});
  list.Real("grid-learning-rate", &grid_learning_rate, "Adam's first step size of the grid.",
            {.min = 0, .max = 1});
  list.Real("mlp-learning-rate", &mlp_learning_rate, "Adam's first step size of the networks.",
            {.min = 0, .max = 1});
  list.Real("final-learning-rate", &final_learning_rate,
            "Share of the step size left at the end (exponential decay).", {.min = 1e-6, .max = 1});
  list.Int("warmup-steps", &warmup_steps, "Steps over which the step size rises from zero.",
           {.min = 0, .max = 1e6});
  list.Group("Losses");
  list.Real("distortion", &distortion,
            "Weight of the distortion loss (Mip-NeRF 360 Eq. 15); negative decides.", {.max = 10});
  list.Real("opacity", &opacity, "Weight of the entropy of a ray's opacity (pushes it to 0 or 1).",
            {.min = 0, .max = 10});
  list.Real("density-bias", &density_bias,
            "Added to the network's density before the exponential; -100 decides.", {.min = -100, .max = 20});
  list.Real("mlp-l2", &mlp_l2, "Weight decay of the networks.", {.min = 0, .max = 1});
  list.Real("direction-decay", &direction_decay,
            "How strongly colours are held from depending on the direction they are seen from.",
            {.min = 0, .max = 1000});
  list.Real("grid-decay", &grid_decay, "Weight of the mean square of each level of the grid (Zip-NeRF).",
            {.min = 0, .max = 100});
  list.Real("total-variation", &total_variation,
            "Weight of the squared differences between neighbouring entries of the grid, around the samples.",
            {.min = 0, .max = 100});
  list.Real(
      "level-weight", &level_weight,
      "Step size of a level of the grid over that of the next coarser one; below 1, fine detail comes late.",
      {.min = 0.1, .max = 2});
  list.Real("average-last", &average_last,
            "Share of the steps, at the end, whose weights are averaged into the finished field.",
            {.min = 0, .max = 0.9});
  list.Group("Photos");
  list.Flag("exposure", &exposure, "Learn a small gain and offset of colour for each training view.");
  list.Real("exposure-penalty", &exposure_penalty,
            "Weight that holds these gains and offsets near one and zero.", {.min = 0, .max = 10});
  list.Flag("refine-poses", &refine_poses, "Learn a small turn and shift of each training camera.");
  list.Real("pose-learning-rate", &pose_learning_rate,
            "Adam's first step size of the cameras, in radians and half extents of the scene.",
            {.min = 0, .max = 1});
  list.Real(
      "pose-shift-decay", &pose_shift_decay,
      "How strongly cameras are held from shifting where a turn explains the photos as well; 0 lets them.",
      {.min = 0, .max = 1000});
  list.Int("pose-start", &pose_start, "Step from which cameras move; at most a quarter of all steps.",
           {.min = 0, .max = 1e8});
  list.Group("Scene");
  list.Text("background", &background,
            "Colour behind the scene: auto takes white for captures with alpha, random for opaque ones.",
            {.choices = {"auto", "white", "black", "random"}});
  list.Text(
      "surroundings", &surroundings,
      "What is around: a whole scene, or nothing, as around a thing that was cut out; auto takes nothing for "
      "captures with alpha.",
      {.choices = {"auto", "scene", "nothing"}});
  list.Int("seed", &seed, "Seed of every random choice.", {.min = 0});
}

RadianceOptions ResolveRadianceOptions(RadianceOptions options, const Capture& capture) {
  const bool object = capture.HasAlpha();
  const bool unbounded = capture.extent == SceneExtent::kUnbounded;
  if (options.surroundings == "auto") options.surroundings = object ? "nothing" : "scene";
  if (options.background == "auto") options.background = object ? "white" : "random";
  if (options.steps_across <= 0) options.steps_across = unbounded ? 400 : 600;
  if (options.cone_angle < 0) options.cone_angle = unbounded ? 1.0 / 256 : 0;
  if (options.stop_optical_depth < 0) options.stop_optical_depth = 10;
  if (options.coarse_phases < 0) options.coarse_phases = object ? 3 : 5;
  if (options.distortion < 0) options.distortion = object ? 0 : 0.02;
  if (options.density_bias <= -100) options.density_bias = 0;
  return options;
}

}  // namespace semfield
