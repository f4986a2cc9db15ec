#pragma once

#include <string>

#include "semfield/base/options.h"

namespace semfield {

// What a GNeSF is. Where the paper (Chen, Li, Lee 2023) and its released code differ, the paper's form is the
// default and the code's is named "code" in the help.
struct GnesfModelOptions {
  int feature_width = 16;  // of the image features, d
  int volume_side = 40;    // cells along the longest side of the scene's bounds
  int coarse_samples = 48, fine_samples = 16;
  std::string surface = "density";  // density (Eq. 7, view synthesis), or signed distance sdf (Eq. 8 and 9)
  double truncation = 0.4;          // of signed distances, tr of Eq. 8 in cells of the volume
  std::string geometry = "volume";  // volume: density from M(x) (Eq. 2); views; both
  std::string samples = "even";     // along a ray: even, or in inverse depth
  // own: weights for classes; shared: those of the colors; head: no vote, a head says classes of what the
  // volume and the views' features say of a place
  std::string vote = "own";
  std::string vote_on = "probability";  // probability, or logit
  // depth: votes know how far behind a source's surface a place lies; signs: only those vote from which the
  // signed distance says that it is seen (the paper); none
  std::string visibility = "depth";
  // Units beyond which signed distances say no more than their sign: three cells, as NeuralRecon's.
  double margin() const { return 3.0 / volume_side; }
  void Describe(OptionList& list);
};

// How it is trained.
struct GnesfOptions {
  GnesfModelOptions model;
  std::string words_model = "rooms-fast";  // who says the classes of source views
  std::string weights = "gnesf";           // to render with: a file, or the name of one in models/
  int sources = 8;                         // views that a target is rendered from in training
  int shown_sources = 14;                  // and once it is trained: more say more, at no cost of training
  int steps = 0;                           // 0: the preset's
  int rays = 384;
  int seed = 1;
  double learning_rate = 1e-3;          // of the heads
  double feature_learning_rate = 1e-3;  // of the two U-Nets
  double clip = 1;                      // norm of the gradient
  std::string semantic_loss = "ce";     // ce: -log p; one-minus-p
  double semantic_weight = 0.5;
  double depth_weight = 0.2;  // 0: true depth is not looked at
  void Describe(OptionList& list);
};

}  // namespace semfield
