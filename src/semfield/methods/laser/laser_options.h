#pragma once

#include <string>

#include "semfield/methods/feature_field/feature_options.h"

namespace semfield {

// What a Laser field is: all that every imitation has, and the parts of Laser, each of which can be switched
// off; with all of them off it is plain distillation. Weights have one default for all scenes.
struct LaserOptions : FeatureOptions {
  bool adapter = true;            // the teacher's features are centred and mixed before they are distilled
  bool self_cross = true;         // from switch_at on the field's features go through the adapter too
  bool attention = true;          // low-rank transient query attention over a view's tokens
  bool label_volume = true;       // a second answer of the field, in classes, and its cross-entropy
  bool text_augmentation = true;  // relevance of repeated, standardised texts
  double switch_at = 0.53;        // share of the steps
  int rank = 8;                   // of both attentions
  int memory_tokens = 24;         // learned tokens of the transient query attention
  double label_weight = 0.5, self_weight = 1, text_weight = 0.5;
  double temperature = 0.2;
  int grid = 32;  // tokens a side that a view is distilled at
  std::string text_model = "minilm";

  LaserOptions() { token_rays = 2; }
  void Describe(OptionList& list);
};

}  // namespace semfield
