#include "semfield/methods/language_field/language_options.h"

namespace semfield {

void LanguageOptions::Describe(OptionList& list) {
  FeatureOptions::Describe(list);
  list.Group("Maps of several strides");
  list.Flag(
      "standardise", &standardise,
      "Heads answer in standard deviations around the mean of each channel, both those of the first view "
      "that the teacher saw (not in the paper).");
  list.Group("Correlation of scales");
  list.Real("cross-weight", &cross_weight,
            "Weight of the correlation between scales (Eq. 9 and 11); 0: none.", {.min = 0, .max = 1000});
  list.Int("cross-positions", &cross_positions,
           "Tokens of each map, drawn at every step, between which scales are correlated; a map that has "
           "fewer is taken whole.",
           {.min = 1, .max = 4096});
}

}  // namespace semfield
