#pragma once

#include "semfield/methods/feature_field/feature_options.h"

namespace semfield {

// What a language field is and how it imitates its teacher: all that every imitation has (SAN section 4), and
// the correlation of scales (Eq. 11). The values here are the paper's form, but for standardise.
struct LanguageOptions : FeatureOptions {
  bool standardise = true;    // heads answer in standard deviations around each channel's mean
  double cross_weight = 1;    // of L_cross in Eq. 9; 0: without
  int cross_positions = 256;  // of each map and step; a map that has fewer is taken whole

  LanguageOptions() { token_rays = 1; }
  void Describe(OptionList& list);
};

}  // namespace semfield
