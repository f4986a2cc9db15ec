#include "semfield/methods/radiance/model/radiance_options.h"

#include <algorithm>

#include "semfield/base/error.h"

namespace semfield {

namespace {

void DescribeField(RadianceOptions& o, OptionList& list) {
  list.Group("Field");
  list.Int("levels", &o.levels, "Levels of the hash grid.", {.min = 1, .max = 32});
  list.Int("features-per-level", &o.features_per_level, "Features a level.",
           {.min = 2, .max = 8, .values = {2, 4, 8}});
  list.Int("log2-table-size", &o.log2_table_size, "Binary logarithm of the entries a level may have.",
           {.min = 8, .max = 24});
  list.Int("base-resolution", &o.base_resolution, "Cells a side of the coarsest level.",
           {.min = 2, .max = 512});
  list.Int("finest-resolution", &o.finest_resolution,
           "Cells a side of the finest level; at least base-resolution.", {.min = 2, .max = 65536});
  list.InOrder("base-resolution", "finest-resolution");
  list.Int("hidden", &o.hidden, "Width of both networks.", {.min = 16, .max = 256});
  list.Flag("bfloat16", &o.bfloat16,
            "Train with networks that multiply in bfloat16, where the processor can.");
  list.Int("occupancy-resolution", &o.occupancy_resolution, "Cells a side of the occupancy grid.",
           {.min = 8, .max = 512, .multiple_of = 8});
}

void DescribeSampling(RadianceOptions& o, OptionList& list) {
  list.Group("Sampling");
  list.Int("samples-per-step", &o.samples_per_step,
           "Samples a training step aims at; rays a step follow from it.", {.min = 1024, .max = 1 << 24});
  list.Real("steps-across", &o.steps_across,
            "Marching steps across the scene's cube; auto takes 400 for unbounded captures, else 600.",
            {.min = 1, .max = 16384, .old_auto = 0});
  list.Real("cone-angle", &o.cone_angle,
            "Growth of a marching step with distance; auto takes 1/256 for unbounded captures, else 0.",
            {.min = 0, .max = kMaxConeAngle, .old_auto = -1});
  list.Real("stop-optical-depth", &o.stop_optical_depth,
            "A ray ends shortly after this optical depth in the occupancy grid's own mean densities; 0: "
            "never; auto "
            "takes 10.",
            {.min = 0, .max = 1e6, .old_auto = -1});
  list.Int("coarse-phases", &o.coarse_phases,
           "Training starts with steps 2^(phases-1) times longer, halved phase by phase; auto takes 3 for a "
           "thing on nothing, else 5.",
           {.min = 0, .max = 8, .old_auto = -1});
  list.Int("phase-steps", &o.phase_steps, "Training steps of one such phase.", {.min = 1, .max = 100000});
}

void DescribeSchedule(RadianceOptions& o, OptionList& list) {
  list.Group("Schedule");
  list.Int("steps", &o.steps, "Optimizer steps; 0 leaves it to the minutes asked for or to the preset.",
           {.min = 0, .max = 1e8});
  list.Real("grid-learning-rate", &o.grid_learning_rate, "Adam's first step size of the grid.",
            {.min = 0, .max = 1});
  list.Real("mlp-learning-rate", &o.mlp_learning_rate, "Adam's first step size of the networks.",
            {.min = 0, .max = 1});
  list.Real("final-learning-rate", &o.final_learning_rate,
            "Share of the step size left at the end (exponential decay).", {.min = 1e-6, .max = 1});
  list.Int("warmup-steps", &o.warmup_steps, "Steps over which the step size rises from zero.",
           {.min = 0, .max = 1e6});
}

void DescribeLosses(RadianceOptions& o, OptionList& list) {
  list.Group("Losses");
  list.Real("distortion", &o.distortion,
            "Weight of the distortion loss (Mip-NeRF 360 Eq. 15); auto takes 0 for photos with alpha, else "
            "0.02.",
            {.min = 0, .max = 10, .old_auto = -1});
  list.Real("opacity", &o.opacity, "Weight of the entropy of a ray's opacity (pushes it to 0 or 1).",
            {.min = 0, .max = 10});
  list.Real("density-bias", &o.density_bias,
            "Added to the network's density before the exponential; auto takes 0.",
            {.min = -20, .max = 20, .old_auto = -100});
  list.Real("mlp-l2", &o.mlp_l2, "Weight decay of the networks.", {.min = 0, .max = 1});
  list.Real("direction-decay", &o.direction_decay,
            "How strongly colours are held from depending on the direction they are seen from.",
            {.min = 0, .max = 1000});
  list.Real("grid-decay", &o.grid_decay, "Weight of the mean square of each level of the grid (Zip-NeRF).",
            {.min = 0, .max = 100});
  list.Real("total-variation", &o.total_variation,
            "Weight of the squared differences between neighbouring entries of the grid, around the samples.",
            {.min = 0, .max = 100});
  list.Real(
      "level-weight", &o.level_weight,
      "Step size of a level of the grid over that of the next coarser one; below 1, fine detail comes late.",
      {.min = 0.1, .max = 2});
  list.Real("average-last", &o.average_last,
            "Share of the steps, at the end, whose weights are averaged into the finished field.",
            {.min = 0, .max = 0.9});
}

void DescribeSurfaces(RadianceOptions& o, OptionList& list) {
  list.Group("Surfaces");
  list.Real(
      "near-gradient", &o.near_gradient,
      "Distance from a camera, in half extents of the scene, within which gradients fall with the squared "
      "distance, so that no density grows in front of cameras; 0: they do not.",
      {.min = 0, .max = 100});
  list.Real(
      "plane", &o.plane,
      "Weight that holds surfaces straight where the photo shows no texture between three pixels in a row.",
      {.min = 0, .max = 10});
  list.Real("plane-span", &o.plane_span, "Distance of these pixels, as a share of the photo's longer side.",
            {.min = 0.001, .max = 0.5});
  list.Real("nearness", &o.nearness,
            "Weight, falling to 0 at the end, of light that comes from near by: of all surfaces that explain "
            "the photos, the farthest is wanted; auto takes 0.",
            {.min = 0, .max = 1});
  list.ChoiceOrAuto(
      "depth-supervision", &o.depth_supervision,
      "What tells how far things are, beside the photos: sparse points that views saw, or depth "
      "maps; auto takes none.",
      {{"none", DepthSource::kNone}, {"points", DepthSource::kPoints}, {"maps", DepthSource::kMaps}});
  list.Real("depth-weight", &o.depth_weight, "Weight of known depths.", {.min = 0, .max = 10});
}

void DescribePhotos(RadianceOptions& o, OptionList& list) {
  list.Group("Photos");
  list.Flag("exposure", &o.exposure, "Learn a small gain and offset of colour for each training view.");
  list.Real("exposure-penalty", &o.exposure_penalty,
            "Weight that holds these gains and offsets near one and zero.", {.min = 0, .max = 10});
  list.Flag("refine-poses", &o.refine_poses, "Learn a small turn and shift of each training camera.");
  list.Real("pose-learning-rate", &o.pose_learning_rate,
            "Adam's first step size of the cameras, in radians and half extents of the scene.",
            {.min = 0, .max = 1});
  list.Real(
      "pose-shift-decay", &o.pose_shift_decay,
      "How strongly cameras are held from shifting where a turn explains the photos as well; 0 lets them.",
      {.min = 0, .max = 1000});
  list.Int("pose-start", &o.pose_start, "Step from which cameras move; at most a quarter of all steps.",
           {.min = 0, .max = 1e8});
}

void DescribeScene(RadianceOptions& o, OptionList& list) {
  list.Group("Scene");
  list.ChoiceOrAuto(
      "background", &o.background,
      "Colour behind the scene: auto takes white for photos with alpha, random for opaque ones and those cut "
      "out by masks.",
      {{"white", Background::kWhite}, {"black", Background::kBlack}, {"random", Background::kRandom}});
  list.ChoiceOrAuto(
      "surroundings", &o.surroundings,
      "What is around: a whole scene, or nothing, as around a thing that was cut out; auto takes nothing for "
      "captures with alpha.",
      {{"scene", Surroundings::kScene}, {"nothing", Surroundings::kNothing}});
  list.Int("seed", &o.seed, "Seed of every random choice.", {.min = 0});
}

}  // namespace

void RadianceOptions::Describe(OptionList& list) {
  DescribeField(*this, list);
  DescribeSampling(*this, list);
  DescribeSchedule(*this, list);
  DescribeLosses(*this, list);
  DescribeSurfaces(*this, list);
  DescribePhotos(*this, list);
  DescribeScene(*this, list);
}

namespace {

// Supervision that would silently be none.
void CheckDepthsAreThere(DepthSource source, const Capture& capture) {
  const bool has_maps = std::any_of(capture.train.begin(), capture.train.end(),
                                    [&](int view) { return !capture.views[view].depth.empty(); });
  if (source == DepthSource::kMaps && !has_maps) {
    throw InputError("--depth-supervision maps: no training view of {} has a depth map",
                     capture.path.string());
  }
  if (source == DepthSource::kPoints && (capture.points.empty() || capture.observations.empty())) {
    throw InputError("--depth-supervision points: {} has no sparse points that views saw",
                     capture.path.string());
  }
}

}  // namespace

RadianceOptions ResolveRadianceOptions(RadianceOptions options, const Capture& capture) {
  const bool object = capture.HasAlpha();
  // Photos that masks cut out of a real scene: their edges and alphas are rough, and over a constant
  // background fog of its colour would cost nothing.
  const bool cut_out = std::any_of(capture.views.begin(), capture.views.end(),
                                   [](const View& view) { return view.mask_is_alpha; });
  const bool unbounded = capture.extent == SceneExtent::kUnbounded;
  const auto resolve = [](auto& field, auto value) {
    if (!field) field = value;
  };
  resolve(options.surroundings, object ? Surroundings::kNothing : Surroundings::kScene);
  resolve(options.background, object && !cut_out ? Background::kWhite : Background::kRandom);
  resolve(options.steps_across, unbounded ? 400.0 : 600.0);
  resolve(options.cone_angle, unbounded ? 1.0 / 256 : 0.0);
  resolve(options.stop_optical_depth, 10.0);
  resolve(options.coarse_phases, object ? 3 : 5);
  resolve(options.distortion, object && !cut_out ? 0 : 0.02);
  resolve(options.density_bias, 0.0);
  resolve(options.depth_supervision, DepthSource::kNone);
  resolve(options.nearness, 0.0);
  CheckDepthsAreThere(*options.depth_supervision, capture);
  return options;
}

}  // namespace semfield
