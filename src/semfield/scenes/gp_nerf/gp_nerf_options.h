#pragma once

#include <string>

#include "semfield/base/options.h"

namespace semfield {

inline constexpr int kGpNerfCell = 4;  // pixels a side of a cell of the trunk's maps

// What a GP-NeRF is. Where the paper (Li et al. 2024) and its released code differ, the paper's form is the
// default and the code's is named "code" in the help; sizes are small ones, the paper's are a preset.
struct GpNerfModelOptions {
  std::string trunk = "small";  // blocks of the stages: small 1, 2, 2; resnet34 3, 4, 6
  int stage_width = 16;         // channels of the trunk's first stage
  int feature_width = 16;       // of the features of colors, F_rgb
  int level_width = 16;         // of each of the four levels of the semantic features, F_sem
  int width = 32;               // of the transformers
  int depth = 2;                // pairs of a Field- and a Ray-Aggregation Transformer
  int heads = 4;                // of the latter
  int coarse_samples = 20, fine_samples = 12;
  std::string samples = "even";  // along a ray: even, or in inverse depth
  std::string colors = "mixed";  // of the sources, by the attention, and what is learned added; or regressed
  std::string aggregation = "paper";  // of F_sem: paper (Eq. 5 and 7), or code
  std::string head = "unet";          // perception head: unet (Eq. 3), or fpn (the code's)
  void Describe(OptionList& list);
};

// How it is trained. The switches of the paper's Table 4: attention, distill_weight, gradient_block and
// guide_weight.
struct GpNerfOptions {
  GpNerfModelOptions model;
  std::string weights = "gp_nerf";  // to render with: a file, or the name of one in models/
  std::string init;                 // weights that a training begins with, as `weights`; empty: random ones
  int instances = 0;                // channels of things that the head tells apart; 0: it tells classes
  int sources = 5;                  // views that a target is rendered from
  int steps = 0;                    // 0: the preset's
  int rays = 96;
  int seed = 1;
  double learning_rate = 1e-3;          // of the transformers
  double feature_learning_rate = 2e-3;  // of trunk, pyramid and head
  double clip = 1;                      // norm of the gradient
  double rgb_weight = 1;
  double semantic_weight = 0.3;     // of the cross-entropy of the fused map
  std::string semantic_on = "map";  // over the whole fused map, or the rendered rays alone (the paper)
  double source_weight = 0.3;       // of the cross-entropy of the source photos' own maps; 0: the paper
  double distill_weight = 0.25;     // of the 2D semantic distillation, Eq. 11; 0: none
  double guide_weight = 0.25;       // of the depth-guided one, Eq. 12 and 13; 0: none
  std::string guide = "truth";      // its depth: truth, or the attention's (the code)
  double ray_depth_weight = 0.2;    // attention along a ray is to lie at the true depth; 0: the paper
  bool gradient_block = true;       // distillation does not reach the trunk
  std::string attention = "joint";  // the semantic losses train it too, or it is frozen to them
  void Describe(OptionList& list);
};

}  // namespace semfield
