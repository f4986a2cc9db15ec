#include "semfield/scenes/gp_nerf/gp_nerf_options.h"

namespace semfield {

void GpNerfModelOptions::Describe(OptionList& list) {
  list.Group("GP-NeRF, model");
  list.Text("trunk", &trunk,
            "Blocks of the trunk's stages: small (1, 2, 2), or resnet34 (3, 4, 6, the paper).",
            {.choices = {"small", "resnet34"}});
  list.Int("stage-width", &stage_width, "Channels of the trunk's first stage.", {.min = 4, .max = 128});
  list.Int("feature-width", &feature_width, "Channels of the features of colors.", {.min = 4, .max = 128});
  list.Int("level-width", &level_width, "Channels of each of the four levels of the semantic features.",
           {.min = 4, .max = 256, .multiple_of = 4});
  list.Int("width", &width, "Channels of the transformers.", {.min = 4, .max = 256, .multiple_of = 4});
  list.Int("depth", &depth, "Pairs of a Field- and a Ray-Aggregation Transformer.", {.min = 1, .max = 32});
  list.Int("heads", &heads, "Heads of the attention along a ray; the width is a multiple of them.",
           {.min = 1, .max = 16});
  list.Int("coarse-samples", &coarse_samples, "Samples of a ray that find the surface.",
           {.min = 4, .max = 512});
  list.Int("fine-samples", &fine_samples, "Samples around it, which are shown with the others.",
           {.min = 2, .max = 512});
  list.Text("ray-samples", &samples,
            "Evenly in distance (the paper), or in inverse distance (inverse, the code).",
            {.choices = {"even", "inverse"}});
  list.Text("colors", &colors,
            "Of a ray: what the sources have, mixed by the attention as semantic features are, and what is "
            "learned added (mixed); or that alone (regressed, the paper).",
            {.choices = {"mixed", "regressed"}});
  list.Text("aggregation", &aggregation,
            "Semantic features by one weight of every view and sample (paper), or by every channel's own, "
            "summed over the layers (code).",
            {.choices = {"paper", "code"}});
  list.Text("head", &head,
            "Perception head: a U-Net's way up (unet, the paper), or semantic FPN (fpn, the code).",
            {.choices = {"unet", "fpn"}});
}

void GpNerfOptions::Describe(OptionList& list) {
  model.Describe(list);
  list.Group("GP-NeRF, training");
  list.Text("weights", &weights, "Weights to render with: a file, or the name of one in models/.");
  list.Text("init", &init, "Weights that a training begins with, as --weights; empty: random ones.");
  list.Int(
      "instances", &instances,
      "With --finetune: the head tells things of the scene apart, at most so many, by its instance maps; "
      "0: classes.",
      {.min = 0, .max = 250});
  list.Int("views", &sources, "Source views from which a view is rendered.", {.min = 1, .max = 64});
  list.Int("steps", &steps, "Optimizer steps; 0: 2000.", {.min = 0, .max = 1e7});
  list.Int("rays", &rays, "Rays a step, each in a cell of 4 x 4 pixels of its own.",
           {.min = 1, .max = 100000});
  list.Int("seed", &seed, "Seed of all random numbers.", {.min = 0, .max = 1e9});
  list.Real("learning-rate", &learning_rate, "Step size of the transformers.", {.min = 0, .max = 1});
  list.Real("feature-learning-rate", &feature_learning_rate, "Step size of trunk, pyramid and head.",
            {.min = 0, .max = 1});
  list.Real("clip", &clip, "Largest norm of a gradient.", {.min = 0});
  list.Real("rgb-weight", &rgb_weight, "Of the loss of colors.", {.min = 0});
  list.Real("semantic-weight", &semantic_weight, "Of the cross-entropy of the fused map.", {.min = 0});
  list.Text("semantic-on", &semantic_on,
            "Where it counts: the whole fused map (map), or the rays that were rendered (rays, the paper).",
            {.choices = {"map", "rays"}});
  list.Real("source-weight", &source_weight,
            "Of the cross-entropy of what the head says of the source photos alone; 0: the paper's.",
            {.min = 0});
  list.Real("distill-weight", &distill_weight,
            "Of 1 - cos between rendered semantic features and the target photo's own; 0: none.", {.min = 0});
  list.Real("guide-weight", &guide_weight,
            "Of the same at the samples near the surface, and its opposite at the others; 0: none.",
            {.min = 0});
  list.Text("guide", &guide, "Where that surface is: truth (the paper), or attention (the code).",
            {.choices = {"truth", "attention"}});
  list.Real("ray-depth-weight", &ray_depth_weight,
            "Of a loss that asks the attention along a ray to lie at the true depth; 0: none, the paper's.",
            {.min = 0});
  list.Flag("gradient-block", &gradient_block, "The distillation does not reach trunk and pyramid.");
  list.Text("attention", &attention,
            "The losses of classes train it too (joint), or it is frozen to them (frozen).",
            {.choices = {"joint", "frozen"}});
}

}  // namespace semfield
