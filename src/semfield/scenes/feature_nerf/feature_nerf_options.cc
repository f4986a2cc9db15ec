#include "semfield/scenes/feature_nerf/feature_nerf_options.h"

namespace semfield {

void FeatureNerfModelOptions::Describe(OptionList& list) {
  list.Group("FeatureNeRF, model");
  list.Text("encoder", &encoder, "Of the picture: a small ResNet, or one of the size of ResNet-34 (paper).",
            {.choices = {"small", "resnet34"}});
  list.Int("latent-stride", &latent_stride,
           "Pixels of the picture to one of the latent map; the paper has 2.",
           {.min = 2, .max = 4, .multiple_of = 2});
  list.Text("sees", &sees,
            "What the encoder sees beside the picture: what the teacher says of it (teacher), or nothing "
            "(picture, the paper, whose encoder starts from ImageNet).",
            {.choices = {"teacher", "picture"}});
  list.Int("width", &width, "Channels of the residual blocks and of the internal feature; the paper has 512.",
           {.min = 8, .max = 2048, .multiple_of = 8});
  list.Int("teacher-channels", &teacher_channels,
           "Principal components of the teacher's features that are imitated; 0: no teacher (NeRF features).",
           {.min = 0, .max = 4096});
  list.Int("coarse-samples", &coarse_samples, "Samples of a ray, evenly spread; the paper has 64.",
           {.min = 4, .max = 1024});
  list.Int("fine-samples", &fine_samples, "Samples where the even ones are seen; the paper has 16.",
           {.min = 0, .max = 1024});
  list.Int("depth-samples", &depth_samples, "Samples around the expected depth; the paper has 16.",
           {.min = 0, .max = 1024});
  list.Real("near", &near, "Where rays begin, from the camera.", {.min = 1e-3, .max = 1e6});
  list.Real("far", &far, "Where rays end.", {.min = 1e-3, .max = 1e6});
  list.Text("ray-range", &range,
            "Samples lie where a ray is in the ball that holds every object (ball), or between near and far "
            "(fixed, the paper).",
            {.choices = {"ball", "fixed"}});
  list.Text("direction", &direction,
            "Where the view direction enters: at the heads of color and teacher feature (heads, the paper), "
            "or at the input (input, the code).",
            {.choices = {"heads", "input"}});
}

void FeatureNerfOptions::Describe(OptionList& list) {
  model.Describe(list);
  list.Group("FeatureNeRF, training");
  list.Text("teacher", &teacher, "Whose features are imitated: a model card.");
  list.Int("teacher-views", &teacher_views, "Views of each object that the teacher looks at; 0: all.",
           {.min = 0, .max = 10000});
  list.Int("steps", &steps, "Optimizer steps; 0: 3000.", {.min = 0, .max = 1e7});
  list.Int("objects", &objects, "Objects a step.", {.min = 1, .max = 1024});
  list.Int("rays", &rays, "Rays an object and a step; the paper has 1024.", {.min = 1, .max = 100000});
  list.Int("seed", &seed, "Seed of all random numbers.", {.min = 0, .max = 1e9});
  list.Real("learning-rate", &learning_rate, "Step size of Adam; the paper has 1e-4.", {.min = 0, .max = 1});
  list.Text("schedule", &schedule, "Of the step size: half a cosine, or constant (paper).",
            {.choices = {"cosine", "constant"}});
  list.Real("clip", &clip, "Largest norm of a gradient; 0: any.", {.min = 0});
  list.Real("teacher-weight", &teacher_weight, "Of the loss of teacher features.", {.min = 0});
  list.Real("coordinate-weight", &coordinate_weight, "Of the loss of coordinates; 0: without.", {.min = 0});
  list.Text(
      "coordinate-loss", &coordinate_loss,
      "The square of each sample's error by its weight in the picture (weighted, the paper), of each "
      "alike (each, the letter of its Eq. 8), or of the error averaged over a ray (averaged, the code).",
      {.choices = {"weighted", "each", "averaged"}});
  list.Real("alpha-weight", &alpha_weight, "Of the loss of opacity; 0: alpha is seen by colors alone.",
            {.min = 0});
  list.Real(
      "depth-weight", &depth_weight,
      "Of the loss of true depths, where objects have them; 0: they are not looked at, as in the paper.",
      {.min = 0});
}

}  // namespace semfield
