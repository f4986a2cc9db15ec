#pragma once

#include <optional>
#include <string>
#include <vector>

#include "semfield/base/options.h"

namespace semfield {

// Which training poses the teacher's poses lie between.
enum class PosePairs { kNeighbors, kAny };

// How a step decides on a new view: by chance (paper) or every fourth step (released code).
enum class FreshRule { kRandom, kEveryFourth };

// What a feature field is and how it imitates its teacher (SAN section 4). The values here are the paper's
// form; the released code's differences, and ours, are switches of their own (README.md has the table). The
// presets of `imitate` but `paper` switch context_rings on and take a layer more.
struct FeatureOptions {
  // E_sem.
  int levels = 4;
  int features_per_level = 8;
  int log2_table_size = 17;
  int base_resolution = 16;
  int finest_resolution = 128;
  // Head: the MLP after quadrature.
  int head_width = 256;
  int head_layers = 2;                   // linear layers
  std::vector<std::string> head_inputs;  // beside E_sem: geometry, direction, color, depth, position
  int context_rings = 0;    // rings of neighbouring tokens the head sees (token_context.h); not in the paper
  int token_pixels = 0;     // a side: rendered colours of every token that the head sees; not in the paper
  bool head_skip = false;   // the input again at the third layer (released code)
  bool layer_norm = false;  // over the output channels (released code)
  double leaky_slope = 0;
  // Camera augmentation.
  PosePairs pairs = PosePairs::kNeighbors;
  int neighbors = 4;
  bool augment = true;  // false: only the training poses themselves
  double field_of_view_jitter = 0;
  int teacher_resolution = 512;  // pixels a side of the rendered picture the teacher sees
  // Cache.
  static constexpr int kMaxCacheSize = 100000;
  int cache_size = 256;
  double fresh_probability = 0.25;
  FreshRule fresh_rule = FreshRule::kRandom;
  std::optional<int> prefill;  // views before the first step; none: a full cache
  double min_weight = 0.002;
  int token_rays = 1;  // a side, through every token; the paper has one
  // Schedule.
  int steps = 10000;
  double grid_learning_rate = 2e-2;
  double head_learning_rate = 5e-3;
  double final_learning_rate = 0.1;
  int seed = 1;

  void Describe(OptionList& list);
};

}  // namespace semfield
