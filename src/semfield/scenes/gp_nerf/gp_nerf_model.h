#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "semfield/scenes/gp_nerf/gp_nerf_options.h"
#include "semfield/scenes/gp_nerf/perception_head.h"
#include "semfield/scenes/nn/attention.h"
#include "semfield/scenes/nn/pyramid.h"
#include "semfield/scenes/nn/views.h"

namespace semfield {

// Source views as the network knows them. Lengths in units of the scene (SceneViews). V views.
struct GpViews {
  nn::ViewCameras cameras;
  torch::Tensor rgb;     // [V, 3, H, W]
  torch::Tensor fine;    // F_rgb [V, f, h, w], a quarter of the size
  torch::Tensor levels;  // F_sem [V, D, h, w]

  GpViews Select(const std::vector<int64_t>& views) const;
};

// Rays to render, R of them.
struct GpRays {
  torch::Tensor origins, directions;  // [R, 3], directions of length 1
  std::array<float, 3> sides{};       // of the scene's bounds, where rays end
  torch::Tensor jitter;               // [R, coarse] in [0, 1), undefined: none
  torch::Tensor fine_units;           // [R, fine] in [0, 1), increasing; undefined: even
  bool semantics = true;              // semantic features too
  bool block_features = false;        // those of the sources get no gradient through them
  bool freeze_attention = false;      // nor does the attention
};

struct GpRendered {
  torch::Tensor rgb, coarse_rgb;              // [R, 3], not clamped
  torch::Tensor distances, coarse_distances;  // [R, S], increasing
  torch::Tensor weights, coarse_weights;      // [R, S] attention along the ray, 1 in sum
  torch::Tensor semantics;                    // S_sem [R, D]
  torch::Tensor point_semantics;              // f_sem [R, S, D]
  torch::Tensor depth;                        // [R] where the attention's middle lies
};

// GP-NeRF: colors and semantic features of views of a scene that it was not trained on, by attention over
// views and along rays, and a perception head that reads a map of these features.
class GpNerfModelImpl : public torch::nn::Module {
 public:
  GpNerfModelImpl(const GpNerfModelOptions& options, int64_t num_classes);
  const GpNerfModelOptions& options() const { return options_; }
  int64_t num_classes() const { return num_classes_; }
  int64_t semantic_width() const { return 4 * options_.level_width; }

  nn::PyramidMaps Features(const torch::Tensor& rgb);  // [V, 3, H, W]
  // Eq. 4 to 7; coarse samples first, then all of them with finer ones, by the same network.
  GpRendered Render(const GpViews& views, const GpRays& rays);
  // Eq. 3: a map of semantic features [N, D, h, w] to logits [N, classes, h, w].
  torch::Tensor Perceive(const torch::Tensor& semantics);
  // Attention over the views of places [P, 3] seen from `targets` [P, 3]: [P, V], 1 in sum over the views
  // that have the place in their picture.
  torch::Tensor ViewWeights(const GpViews& views, const torch::Tensor& places, const torch::Tensor& targets);

  // Trunk, pyramid and head; and the transformers.
  std::vector<std::pair<std::string, torch::Tensor>> FeatureParameters() const;
  std::vector<std::pair<std::string, torch::Tensor>> TransformerParameters() const;

 private:
  struct Tokens {
    nn::Projection seen;
    nn::ViewTokens views;
    torch::Tensor queries;  // [P, d]
    torch::Tensor rgb;      // [P, V, 3]
  };
  struct Passed {
    torch::Tensor rgb, weights, semantics, point_semantics;
  };
  Tokens TokensOf(const GpViews& views, const torch::Tensor& places, const torch::Tensor& targets);
  Passed Pass(const GpViews& views, const GpRays& rays, const torch::Tensor& distances, bool semantics);
  // What the last layer's attention, or with the code's form every layer's, makes of the semantic features.
  void Aggregate(const std::vector<nn::ViewAttended>& over_views, const std::vector<nn::RayAttended>& on_rays,
                 const torch::Tensor& said, Passed* passed);
  std::vector<std::pair<std::string, torch::Tensor>> Parameters(bool transformers) const;

  const GpNerfModelOptions options_;
  const int64_t num_classes_;
  nn::ResPyramid trunk_{nullptr};
  PerceptionHead head_{nullptr};
  torch::nn::Sequential embed_, semantic_out_;
  std::vector<nn::ViewTransformer> over_views_;
  std::vector<nn::RayTransformer> on_rays_;
  std::vector<torch::nn::Linear> with_place_;  // before every second ray transformer
  torch::nn::LayerNorm last_norm_{nullptr};
  torch::nn::Linear color_{nullptr};
};
TORCH_MODULE(GpNerfModel);

}  // namespace semfield
