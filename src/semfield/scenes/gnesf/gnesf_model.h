#pragma once

#include <array>
#include <vector>

#include "semfield/scenes/gnesf/gnesf_options.h"
#include "semfield/scenes/nn/blocks.h"
#include "semfield/scenes/nn/rays.h"
#include "semfield/scenes/nn/views.h"

namespace semfield {

// Source views as the network knows them. Lengths in units of the scene (SceneViews).
struct EncodedViews {
  nn::ViewCameras cameras;
  torch::Tensor rgb;       // [V, 3, H, W]
  torch::Tensor features;  // [V, d, h, w]
  torch::Tensor classes;   // [V, C, h', w'] probabilities
  torch::Tensor depth;     // [V, 1, h'', w''] along the camera's axis, as the volume shows it; 0: nothing
  torch::Tensor volume;    // [1, d, Z, Y, X] geometry encoding volume M
  torch::Tensor cell_raw;  // [1, 1, Z, Y, X] what the coarse head says of cells, while SeeDepths is at work
  torch::Tensor cell_sdf;  // [1, 1, Z, Y, X] signed distances in units, for visibility by signs
  torch::Tensor box;       // [3] sides of the volume

  // Some of the views, with another volume or none.
  EncodedViews Select(const std::vector<int64_t>& views) const;
};

struct RenderedRays {
  torch::Tensor rgb;        // [R, 3] over black
  torch::Tensor classes;    // [R, C]; 1 in sum where opacity is 1
  torch::Tensor weights;    // [R, S] of the fine samples
  torch::Tensor distances;  // [R, S]
  torch::Tensor coarse_weights, coarse_distances;
  torch::Tensor geometry, coarse_geometry;  // [R, S], as QueriedPlaces says it
  torch::Tensor depth;                      // [R] expected distance along the ray
};

// What it says of places.
struct QueriedPlaces {
  torch::Tensor geometry;  // [P] density of a sample (Eq. 7), or signed distance in units
  torch::Tensor rgb;       // [P, 3]
  torch::Tensor classes;   // [P, C]: 1 in sum, 0 where no view has the place in its picture
};

struct RayBundle {
  torch::Tensor origins, directions;  // [R, 3], directions of length 1
  torch::Tensor jitter;               // [R, coarse], undefined: none
  torch::Tensor fine_units;           // [R, fine] in [0, 1), increasing; undefined: even
  bool shown = true;                  // as QueryOptions
};

struct QueryOptions {
  bool shown = true;  // colors and classes too (these only where the views have them)
};

// GNeSF: density and a vote of views for every place of a scene that it was not trained on.
class GnesfModelImpl : public torch::nn::Module {
 public:
  // classes: how many there are, for a head that predicts them; the vote works with any number.
  explicit GnesfModelImpl(const GnesfModelOptions& options, int64_t classes = 0);
  const GnesfModelOptions& options() const { return options_; }

  torch::Tensor Features(const torch::Tensor& rgb);  // [V, 3, H, W] -> [V, d, h, w]
  // Eq. 1: mean and variance of the views' features at every cell, through a 3D U-Net. sides: of the scene.
  void BuildVolume(const std::array<float, 3>& sides, EncodedViews* views);
  // What visibility needs: depths that each view sees in the volume, from its coarse samples, or signed
  // distances of cells. No gradient.
  void SeeSurfaces(EncodedViews* views);
  // Eq. 2 to 4 at places [P, 3]. targets [P, 3]: from where it is looked at; only colors depend on it.
  QueriedPlaces Query(const EncodedViews& views, const torch::Tensor& places, const torch::Tensor& targets,
                      const QueryOptions& options = {});
  // Eq. 2 from the volume alone, [P].
  torch::Tensor CoarseGeometry(const EncodedViews& views, const torch::Tensor& places);
  // Density per unit of length from what Query says.
  torch::Tensor DensityOf(const torch::Tensor& geometry) const;
  // Eq. 5 and 7.
  RenderedRays Render(const EncodedViews& views, const RayBundle& rays);

  std::vector<std::pair<std::string, torch::Tensor>> FeatureParameters() const;
  std::vector<std::pair<std::string, torch::Tensor>> HeadParameters() const;

 private:
  struct Aggregated {
    torch::Tensor valid;      // [P, V]
    torch::Tensor per_view;   // [P, V, F'] with M(x) and how far behind the view's surface
    torch::Tensor pooled;     // [P, ...] of these what density comes from: M(x), mean, variance
    torch::Tensor described;  // [P, d + 2 (d + 3)] all of them, whatever density comes from
    torch::Tensor at;         // [V, P, 2]
    torch::Tensor rgb;        // [P, V, 3]
  };
  // Without `with_views` there is no per_view, which density does not need.
  Aggregated Aggregate(const EncodedViews& views, const torch::Tensor& places, bool with_views);
  torch::Tensor Unit(const EncodedViews& views, const torch::Tensor& places) const;
  struct Coarse {
    torch::Tensor distances, edges, geometry, weights;
  };
  bool is_signed() const { return options_.surface == "sdf"; }
  double truncation() const { return options_.truncation / options_.volume_side; }
  torch::Tensor GeometryOf(const torch::Tensor& raw) const;
  torch::Tensor WeightsOf(const torch::Tensor& geometry, const torch::Tensor& distances, double beyond) const;
  void SeeDepths(EncodedViews* views);
  // [P, V]: the views that vote on places.
  torch::Tensor Voters(const EncodedViews& views, const torch::Tensor& places,
                       const torch::Tensor& valid) const;
  Coarse March(const EncodedViews& views, const RayBundle& rays);

  const GnesfModelOptions options_;
  nn::ResUNet image_net_{nullptr};
  nn::UNet3d volume_net_{nullptr};
  torch::nn::Sequential coarse_head_, density_head_, view_head_, vote_head_, color_head_, class_head_;
};
TORCH_MODULE(GnesfModel);

}  // namespace semfield
