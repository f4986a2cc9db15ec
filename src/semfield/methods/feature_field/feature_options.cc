#include "semfield/methods/feature_field/feature_options.h"

namespace semfield {

void FeatureOptions::Describe(OptionList& list) {
  list.Group("Semantic grid");
  list.Int("levels", &levels, "Levels of E_sem.", {.min = 1, .max = 32});
  list.Int("features-per-level", &features_per_level, "Features a level: 2, 4 or 8.", {.min = 2, .max = 8});
  list.Int("log2-table-size", &log2_table_size, "Binary logarithm of the entries a level may have.",
           {.min = 8, .max = 24});
  list.Int("base-resolution", &base_resolution, "Cells a side of the coarsest level.",
           {.min = 2, .max = 512});
  list.Int("finest-resolution", &finest_resolution, "Cells a side of the finest level.",
           {.min = 2, .max = 65536});
  list.Group("Head");
  list.Int("head-width", &head_width, "Width of the hidden layers after quadrature (Eq. 6).",
           {.min = 16, .max = 256});
  list.Int("head-layers", &head_layers, "Linear layers of the head; the released code has 5.",
           {.min = 1, .max = 8});
  list.TextList("head-inputs", &head_inputs,
                "Rendered quantities beside E_sem (released code: the first four).",
                {.choices = {"geometry", "direction", "color", "depth", "position"}});
  list.Int(
      "context-rings", &context_rings,
      "Rings of eight neighbouring tokens, at distances 1, 3, 9, .., that the head sees beside a token's own "
      "features (not in the paper).",
      {.min = 0, .max = 4});
  list.Int("token-pixels", &token_pixels,
           "Rendered colours, so many a side of every token, that the head sees as well; with "
           "context-rings those of "
           "neighbouring tokens too (not in the paper).",
           {.min = 0, .max = 8});
  list.Flag("head-skip", &head_skip, "Feed the head's input again at its third layer (released code).");
  list.Flag("layer-norm", &layer_norm, "Normalise the output channels (released code).");
  list.Real("leaky-slope", &leaky_slope, "Slope of the rectifier below zero (released code: 0.01).",
            {.min = 0, .max = 1});
  list.Group("Views for the teacher");
  list.Text("pairs", &pairs,
            "Poses are interpolated between neighbouring training poses, or any two (released code).",
            {.choices = {"neighbours", "any"}});
  list.Int("neighbours", &neighbours, "How many nearest poses count as neighbours.", {.min = 1, .max = 1000});
  list.Flag("augment", &augment, "Interpolate poses; off: only the training poses.");
  list.Real("field-of-view-jitter", &field_of_view_jitter,
            "Largest relative change of the teacher camera's focal length.", {.min = 0, .max = 0.5});
  list.Int("teacher-resolution", &teacher_resolution,
           "Pixels a side of the picture rendered for the teacher.", {.min = 64, .max = 1024});
  list.Group("Cache");
  list.Int("cache-size", &cache_size, "Teacher views kept, first in first out.",
           {.min = 1, .max = kMaxCacheSize});
  list.Real("fresh-probability", &fresh_probability,
            "Chance that a step sees a new view instead of a cached one.", {.min = 0, .max = 1});
  list.Text("fresh-rule", &fresh_rule,
            "How a step decides on a new view: by chance (paper) or every fourth (released code).",
            {.choices = {"random", "every-fourth"}});
  list.Int("prefill", &prefill,
           "New views only, up to this many, before cached ones are used; -1: the cache size.",
           {.min = -1, .max = kMaxCacheSize});
  list.Int("token-rays", &token_rays,
           "Rays through every token, so many a side; their features are averaged.", {.min = 1, .max = 8});
  list.Real("min-weight", &min_weight, "Samples that weigh less along a ray are dropped.",
            {.min = 0, .max = 0.5});
  list.Group("Schedule");
  list.Int("steps", &steps, "Optimizer steps; one view each.", {.min = 1, .max = 1e8});
  list.Real("grid-learning-rate", &grid_learning_rate, "Adam's first step size of E_sem.",
            {.min = 0, .max = 1});
  list.Real("head-learning-rate", &head_learning_rate, "Adam's first step size of the head.",
            {.min = 0, .max = 1});
  list.Real("final-learning-rate", &final_learning_rate, "Share of the step size left at the end.",
            {.min = 1e-6, .max = 1});
  list.Int("seed", &seed, "Seed of every random choice.", {.min = 0});
}

}  // namespace semfield
