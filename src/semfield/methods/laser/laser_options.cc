#include "semfield/methods/laser/laser_options.h"

namespace semfield {

void LaserOptions::Describe(OptionList& list) {
  FeatureOptions::Describe(list);
  list.Group("Laser");
  list.Flag("adapter", &adapter, "Centre and mix the teacher's features before they are distilled.");
  list.Flag("self-cross", &self_cross,
            "From the switch on, send the field's features through the adapter too and pair all four.");
  list.Flag("attention", &attention, "Low-rank transient query attention over a view's tokens.");
  list.Flag("label-volume", &label_volume, "Answer in classes beside features, with its cross-entropy.");
  list.Flag("text-augmentation", &text_augmentation, "Learn the relevance of repeated, standardised texts.");
  list.Real("switch-at", &switch_at, "Share of the steps before self-cross training.", {.min = 0, .max = 1});
  list.Int("rank", &rank, "Rank of the adapter's and of the query attention.", {.min = 1, .max = 256});
  list.Int("memory-tokens", &memory_tokens, "Learned tokens of the query attention.",
           {.min = 1, .max = 1024});
  list.Real("label-weight", &label_weight, "Weight of the cross-entropy.", {.min = 0, .max = 100});
  list.Real("self-weight", &self_weight, "Weight of the adapter's own pairs.", {.min = 0, .max = 100});
  list.Real("text-weight", &text_weight, "Weight of the text augmentation.", {.min = 0, .max = 100});
  list.Real("temperature", &temperature, "Cosines are divided by it before a softmax.",
            {.min = 0.001, .max = 10});
  list.Int("grid", &grid, "Tokens a side at which a view is distilled.", {.min = 2, .max = 256});
  list.Text("text-model", &text_model, "Who gives the classes' names their vectors: of kind text or clip.");
}

}  // namespace semfield
