#include "semfield/scenes/gnesf/gnesf_options.h"

namespace semfield {

void GnesfModelOptions::Describe(OptionList& list) {
  list.Group("GNeSF, model");
  list.Int("feature-width", &feature_width, "Channels of the image features.",
           {.min = 4, .max = 128, .multiple_of = 4});
  list.Int("volume-side", &volume_side, "Cells of the geometry volume along the scene's longest side.",
           {.min = 8, .max = 1024, .multiple_of = 4});
  list.Int("coarse-samples", &coarse_samples, "Samples of a ray that find the surface.",
           {.min = 4, .max = 512});
  list.Int("fine-samples", &fine_samples, "Samples of a ray around it, which are shown.",
           {.min = 2, .max = 512});
  list.Text(
      "surface", &surface,
      "What says where surfaces are: density (the paper's view synthesis), or sdf, signed distance (the "
      "paper's 3D segmentation), which learns from true depths.",
      {.choices = {"density", "sdf"}});
  list.Real("truncation", &truncation, "Of --surface sdf, in cells of the volume: tr of the paper's Eq. 8.",
            {.min = 0.01, .max = 10});
  list.Text("density-from", &geometry,
            "Density of a place from the geometry volume (volume, the paper), from what the views say of it "
            "(views, the code), or both.",
            {.choices = {"volume", "views", "both"}});
  list.Text("ray-samples", &samples, "Evenly in distance, or in inverse distance (inverse, the code).",
            {.choices = {"even", "inverse"}});
  list.Text("vote", &vote,
            "Classes have their own weights of views (own, the paper), or those of the colors "
            "(shared, the code); head: no photo votes, a head predicts classes from features (the paper's "
            "rival).",
            {.choices = {"own", "shared", "head"}});
  list.Text("vote-on", &vote_on, "What is mixed: probability (the paper), or logit.",
            {.choices = {"probability", "logit"}});
  list.Text(
      "visibility", &visibility,
      "Whether a vote knows how far behind the surface that a source sees a place lies (depth), only "
      "those vote between which and the place the signed distance does not come out of something (signs, "
      "the paper, with --surface sdf), or all (none).",
      {.choices = {"depth", "signs", "none"}});
}

void GnesfOptions::Describe(OptionList& list) {
  model.Describe(list);
  list.Group("GNeSF, training");
  list.Text("words-model", &words_model, "Who says what class the places of a source photo are.");
  list.Text("weights", &weights, "Weights to render with: a file, or the name of one in models/.");
  list.Int("views", &sources, "Source views from which a view is rendered in training.",
           {.min = 1, .max = 64});
  list.Int("shown-views", &shown_sources, "The same once it is trained.", {.min = 1, .max = 64});
  list.Int("steps", &steps, "Optimizer steps; 0: 2000.", {.min = 0, .max = 1e7});
  list.Int("rays", &rays, "Rays a step.", {.min = 1, .max = 100000});
  list.Int("seed", &seed, "Seed of all random numbers.", {.min = 0, .max = 1e9});
  list.Real("learning-rate", &learning_rate, "Step size of the heads.", {.min = 0, .max = 1});
  list.Real("feature-learning-rate", &feature_learning_rate, "Step size of the two U-Nets.",
            {.min = 0, .max = 1});
  list.Real("clip", &clip, "Largest norm of a gradient.", {.min = 0});
  list.Text("semantic-loss", &semantic_loss, "-log p (ce, the paper), or 1 - p (one-minus-p, the code).",
            {.choices = {"ce", "one-minus-p"}});
  list.Real("semantic-weight", &semantic_weight, "Of the loss of classes beside that of colors.", {.min = 0});
  list.Real("depth-weight", &depth_weight, "Of the loss of true depths, where scenes have them; 0: none.",
            {.min = 0});
}

}  // namespace semfield
