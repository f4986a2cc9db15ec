#pragma once

#include "semfield/scenes/gp_nerf/gp_nerf_model.h"
#include "semfield/scenes/training/scene_reader.h"

namespace semfield {

// Eq. 11, mean over rays: 1 - cos of two vectors of each, [R, D].
torch::Tensor DistillLoss(const torch::Tensor& rendered, const torch::Tensor& own);
// Eq. 12 and 13, mean over the samples of rays whose surface is known: 1 - cos for those less than two
// samples from the one at the surface, max(0, cos) for the others. points: [R, S, D], own: [R, D], surface:
// [R] index of a sample, -1: unknown.
torch::Tensor GuideLoss(const torch::Tensor& points, const torch::Tensor& own, const torch::Tensor& surface);
// [R] index of the sample nearest to a distance; -1 where the distance is 0.
torch::Tensor SampleAt(const torch::Tensor& distances, const torch::Tensor& truth);
// S_fused: a map [1, D, h, w] with some of its cells (row by row) replaced. values: [R, D].
torch::Tensor FusedMap(const torch::Tensor& map, const torch::Tensor& cells, const torch::Tensor& values);

// What a step is measured by, each a tensor of one number.
struct GpLosses {
  torch::Tensor rgb, semantic, source, distill, guide, ray_depth, total;
  double mse = 0;             // of the colors with the finer samples
  double right = 0;           // share of the labelled cells of the fused map whose likeliest class is right
  double right_rendered = 0;  // of the rendered ones among them
  double right_source = 0;    // of the cells of the source photos by themselves
};

// The losses of a batch, whose rays lie in cells; the gradient is left in the model's parameters.
GpLosses AddGradients(const GpNerfOptions& options, const SceneBatch& batch, GpNerfModel& model);

}  // namespace semfield
