#pragma once

#include <string>

#include "semfield/base/options.h"

namespace semfield {

// What a FeatureNeRF is (Ye, Wang, Wang 2023). Where the paper and its released code differ, the paper's form
// is the default and the code's is named "code" in the help. Sizes are those of two cores; the preset `paper`
// has the paper's.
struct FeatureNerfModelOptions {
  std::string encoder = "small";  // small, or resnet34
  int latent_stride = 4;          // of the joined levels, in pixels of the picture
  std::string sees = "teacher";  // what the encoder sees beside the picture: the teacher's map of it; nothing
  int width = 96;                // of the residual blocks, and of the internal feature
  int teacher_channels = 64;     // of the teacher's projected features; 0: there is no teacher
  int coarse_samples = 14, fine_samples = 5, depth_samples = 5;
  double near = 0.8, far = 1.8;     // from the camera
  std::string range = "ball";       // samples within a ball of half the longest extent; or near and far
  std::string direction = "heads";  // where the view direction enters: heads, or input (code)
  void Describe(OptionList& list);
};

// How it is trained.
struct FeatureNerfOptions {
  FeatureNerfModelOptions model;
  std::string teacher = "imagenet";  // who is imitated: a model card
  int teacher_views = 2;             // of each object, that the teacher looks at; 0: all
  int steps = 0;                     // 0: 3000
  int objects = 4;                   // a step
  int rays = 96;                     // an object
  int seed = 1;
  double learning_rate = 1.5e-3;
  std::string schedule = "cosine";  // or constant (paper)
  double clip = 1;                  // norm of the gradient; 0: as it is
  double teacher_weight = 0.25, coordinate_weight = 0.25;
  std::string coordinate_loss = "weighted";        // weighted, each, or averaged (code)
  double alpha_weight = 0.1, depth_weight = 0.05;  // of what the paper does not use; 0: as the paper
  void Describe(OptionList& list);
};

}  // namespace semfield
