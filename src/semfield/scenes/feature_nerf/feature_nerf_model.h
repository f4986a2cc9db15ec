#pragma once

#include <string>
#include <utility>
#include <vector>

#include "semfield/scenes/feature_nerf/feature_nerf_options.h"
#include "semfield/scenes/nn/resnet.h"
#include "semfield/scenes/nn/torch.h"

namespace semfield {

// Pictures of single objects, each by one camera whose axis goes through the object's origin or not. N
// pictures, R rays and S samples each. Everything lies in the frame of a picture's camera (OpenCV axes),
// turned but not moved: the object's origin stays the origin.
struct ObjectPictures {
  torch::Tensor rgba;        // [N, 4, H, W] in [0, 1], colors over black
  torch::Tensor teacher;     // [N, channels, h, w] projected features of the same pictures; may be undefined
  torch::Tensor intrinsics;  // [N, 4] fx / width, fy / height, cx / width, cy / height
  torch::Tensor offsets;     // [N, 3] the object's origin as the camera sees it
  torch::Tensor categories;  // [N] int64
};

// What the field knows of them.
struct EncodedObjects {
  torch::Tensor latents;  // [N, h, w, 3 * width] what is added before each of the first three blocks
  torch::Tensor intrinsics, offsets, categories;
};

struct ObjectRays {
  torch::Tensor origins, directions;  // [N, R, 3], directions of length 1
  // Each undefined: evenly. [N * R, coarse], [N * R, fine] in [0, 1); [N * R, depth] of a normal
  // distribution.
  torch::Tensor coarse_jitter, fine_units, depth_normals;
};

// What rays see. M = N * R rays, S = all samples, W = width.
struct SeenRays {
  torch::Tensor distances, weights;  // [M, S], the even samples first
  torch::Tensor internal;            // [M, W] composite of the internal feature
  torch::Tensor rgb, teacher;        // [M, 3], [M, teacher_channels], over black and nothing
  torch::Tensor coordinate;          // [M, 3] composite of what the field takes for the place in the object
  torch::Tensor opacity, depth;      // [M]; depth: expected distance of what is opaque
  torch::Tensor coordinates;         // [M, S, 3] of every sample
  torch::Tensor places;              // [M, S, 3] where they are, in the frame of the picture
  torch::Tensor coarse_weights, coarse_rgb, coarse_teacher;  // of the even samples alone
};

// What the field says of places.
struct FieldAnswer {
  torch::Tensor internal;    // [P, W]
  torch::Tensor sigma;       // [P]
  torch::Tensor rgb;         // [P, 3]
  torch::Tensor coordinate;  // [P, 3]
};

class FeatureNerfModelImpl : public torch::nn::Module {
 public:
  FeatureNerfModelImpl(const FeatureNerfModelOptions& options, int64_t categories);
  const FeatureNerfModelOptions& options() const { return options_; }
  bool SeesTeacher() const { return options_.sees == "teacher" && options_.teacher_channels > 0; }

  EncodedObjects Encode(const ObjectPictures& pictures);
  // places, directions: [N, P, 3], directions of length 1; answers of N * P places, picture by picture.
  FieldAnswer Query(const EncodedObjects& objects, const torch::Tensor& places,
                    const torch::Tensor& directions);
  // with_coarse: what the even samples alone see too.
  SeenRays Render(const EncodedObjects& objects, const ObjectRays& rays, bool with_coarse);
  // The teacher feature of composited internal features: the head is one layer, so it may follow the
  // composite. internal: [M, W]; opacity: [M]; directions: [M, 3]. -> [M, teacher_channels]
  torch::Tensor TeacherOf(const torch::Tensor& internal, const torch::Tensor& opacity,
                          const torch::Tensor& directions);

  std::vector<std::pair<std::string, torch::Tensor>> NamedParameters() const;

 private:
  struct Range {
    torch::Tensor near, far;  // [M]
  };
  Range RangeOf(const ObjectRays& rays) const;
  // Distances of the samples after the even ones, [M, fine + depth].
  torch::Tensor MoreDistances(const ObjectRays& rays, const Range& range, const torch::Tensor& first,
                              const torch::Tensor& first_weights) const;
  torch::Tensor Trunk(const EncodedObjects& objects, const torch::Tensor& places,
                      const torch::Tensor& directions);

  const FeatureNerfModelOptions options_;
  nn::ResNetPyramid encoder_{nullptr};
  torch::nn::Linear latent_{nullptr}, input_{nullptr}, density_{nullptr}, color_{nullptr}, teacher_{nullptr},
      coordinate_{nullptr};
  torch::nn::Embedding category_{nullptr};
  std::vector<torch::nn::Linear> first_, second_;  // of each residual block
};
TORCH_MODULE(FeatureNerfModel);

// Where places [N, P, 3] of the pictures' frames are seen in them, over their width and height. -> [N, P, 2]
torch::Tensor PlacesInPictures(const EncodedObjects& objects, const torch::Tensor& places);

// x, and sine and cosine of x times 1.5 * 2^k, k from 0 to 5 (pixelNeRF's code). [..., 3] -> [..., 39]
torch::Tensor EncodePlaces(const torch::Tensor& places);

// Weights of samples [M, S] in order of distance: T (1 - exp(-sigma delta)), the last delta up to `far` [M].
torch::Tensor LengthWeights(const torch::Tensor& sigma, const torch::Tensor& distances,
                            const torch::Tensor& far);

}  // namespace semfield
