#include "semfield/methods/feature_field/feature_options.h"

namespace semfield {

namespace {

void DescribeSemanticGrid(FeatureOptions& o, OptionList& list) {
  list.Group("Semantic grid");
  list.Int("levels", &o.levels, "Levels of E_sem.", {.min = 1, .max = 32});
  list.Int("features-per-level", &o.features_per_level, "Features a level.",
           {.min = 2, .max = 8, .values = {2, 4, 8}});
  list.Int("log2-table-size", &o.log2_table_size, "Binary logarithm of the entries a level may have.",
           {.min = 8, .max = 24});
  list.Int("base-resolution", &o.base_resolution, "Cells a side of the coarsest level.",
           {.min = 2, .max = 512});
  list.Int("finest-resolution", &o.finest_resolution,
           "Cells a side of the finest level; at least base-resolution.", {.min = 2, .max = 65536});
  list.InOrder("base-resolution", "finest-resolution");
}

void DescribeHead(FeatureOptions& o, OptionList& list) {
  list.Group("Head");
  list.Int("head-width", &o.head_width, "Width of the hidden layers after quadrature (Eq. 6).",
           {.min = 16, .max = 256});
  list.Int("head-layers", &o.head_layers, "Linear layers of the head; the released code has 5.",
           {.min = 1, .max = 8});
  list.TextList("head-inputs", &o.head_inputs,
                "Rendered quantities beside E_sem (released code: the first four).",
                {.choices = {"geometry", "direction", "color", "depth", "position"}});
  list.Int(
      "context-rings", &o.context_rings,
      "Rings of eight neighbouring tokens, at distances 1, 3, 9, .., that the head sees beside a token's own "
      "features (not in the paper).",
      {.min = 0, .max = 4});
  list.Int("token-pixels", &o.token_pixels,
           "Rendered colours, so many a side of every token, that the head sees as well; with "
           "context-rings those of "
           "neighbouring tokens too (not in the paper).",
           {.min = 0, .max = 8});
  list.Flag("head-skip", &o.head_skip, "Feed the head's input again at its third layer (released code).");
  list.Flag("layer-norm", &o.layer_norm, "Normalise the output channels (released code).");
  list.Real("leaky-slope", &o.leaky_slope, "Slope of the rectifier below zero (released code: 0.01).",
            {.min = 0, .max = 0.99});
}

void DescribeViewsForTheTeacher(FeatureOptions& o, OptionList& list) {
  list.Group("Views for the teacher");
  list.Choice("pairs", &o.pairs,
              "Poses are interpolated between neighbouring training poses, or any two (released code).",
              {{"neighbours", PosePairs::kNeighbors}, {"any", PosePairs::kAny}});
  list.Int("neighbours", &o.neighbors, "How many nearest poses count as neighbours.",
           {.min = 1, .max = 1000});
  list.Flag("augment", &o.augment, "Interpolate poses; off: only the training poses.");
  list.Real("field-of-view-jitter", &o.field_of_view_jitter,
            "Largest relative change of the teacher camera's focal length.", {.min = 0, .max = 0.5});
  list.Int("teacher-resolution", &o.teacher_resolution,
           "Pixels a side of the picture rendered for the teacher.", {.min = 64, .max = 1024});
}

void DescribeCache(FeatureOptions& o, OptionList& list) {
  list.Group("Cache");
  list.Int("cache-size", &o.cache_size, "Teacher views kept, first in first out.",
           {.min = 1, .max = FeatureOptions::kMaxCacheSize});
  list.Real("fresh-probability", &o.fresh_probability,
            "Chance that a step sees a new view instead of a cached one.", {.min = 0, .max = 1});
  list.Choice("fresh-rule", &o.fresh_rule,
              "How a step decides on a new view: by chance (paper) or every fourth (released code).",
              {{"random", FreshRule::kRandom}, {"every-fourth", FreshRule::kEveryFourth}});
  list.Int("prefill", &o.prefill,
           "New views only, up to this many, before cached ones are used; auto: the cache size.",
           {.min = 0, .max = FeatureOptions::kMaxCacheSize, .old_auto = -1});
  list.Int("token-rays", &o.token_rays,
           "Rays through every token, so many a side; their features are averaged.", {.min = 1, .max = 8});
  list.Real("min-weight", &o.min_weight, "Samples that weigh less along a ray are dropped.",
            {.min = 0, .max = 0.5});
}

void DescribeSchedule(FeatureOptions& o, OptionList& list) {
  list.Group("Schedule");
  list.Int("steps", &o.steps, "Optimizer steps; one view each.", {.min = 1, .max = 1e8});
  list.Real("grid-learning-rate", &o.grid_learning_rate, "Adam's first step size of E_sem.",
            {.min = 0, .max = 1});
  list.Real("head-learning-rate", &o.head_learning_rate, "Adam's first step size of the head.",
            {.min = 0, .max = 1});
  list.Real("final-learning-rate", &o.final_learning_rate, "Share of the step size left at the end.",
            {.min = 1e-6, .max = 1});
  list.Int("seed", &o.seed, "Seed of every random choice.", {.min = 0});
}

}  // namespace

void FeatureOptions::Describe(OptionList& list) {
  DescribeSemanticGrid(*this, list);
  DescribeHead(*this, list);
  DescribeViewsForTheTeacher(*this, list);
  DescribeCache(*this, list);
  DescribeSchedule(*this, list);
}

}  // namespace semfield
