#pragma once

#include "semfield/scenes/nn/torch.h"

// What posed pictures say of points: projection, sampling, statistics over views. P points, V views. Tensors
// are float.
namespace semfield::nn {

// Cameras without distortion. Intrinsics divided by the picture's size, so that they hold for a map of any
// resolution over the whole picture.
struct ViewCameras {
  torch::Tensor intrinsics;         // [V, 4] fx / width, fy / height, cx / width, cy / height
  torch::Tensor camera_from_world;  // [V, 3, 4], OpenCV axes
  torch::Tensor centers;            // [V, 3] in the world
};

struct Projection {
  torch::Tensor at;     // [V, P, 2] position over the picture, 0 to 1 from its left and top edge
  torch::Tensor depth;  // [V, P] along the camera's axis
  torch::Tensor valid;  // [V, P] bool: before the camera and in the picture, its borders included
};
Projection Project(const ViewCameras& cameras, const torch::Tensor& points);  // points: [P, 3]

// maps: [V, C, H, W] over the whole pictures; at: as Projection. Bilinear between the centers of the map's
// pixels; the border goes on outside of them. -> [P, V, C]
torch::Tensor SampleMaps(const torch::Tensor& maps, const torch::Tensor& at);

// Trilinear between the centers of a volume's cells, 0 outside. volume: [1, C, Z, Y, X]; unit: [P, 3], x y z
// from 0 to 1 over the volume. -> [P, C]
torch::Tensor SampleVolume(const torch::Tensor& volume, const torch::Tensor& unit);

// Of what valid views say: values [P, V, C], valid [P, V]. Variance over the number of views (0 of a single
// one); both are 0 where there is none. -> each [P, 1, C]
struct Statistics {
  torch::Tensor mean, variance;
};
Statistics OverViews(const torch::Tensor& values, const torch::Tensor& valid);

// IBRNet's four numbers: with a = unit(target - x), b = unit(source - x): [(a - b) / max(|a - b|, 1e-6), a
// b]. points, targets: [P, 3]; sources: [V, 3]. -> [P, V, 4]
torch::Tensor RayDifference(const torch::Tensor& points, const torch::Tensor& targets,
                            const torch::Tensor& sources);

// Softmax over the views of scores [P, V] among the valid ones; all 0 where there is none.
torch::Tensor SoftmaxOverViews(const torch::Tensor& scores, const torch::Tensor& valid);

}  // namespace semfield::nn
