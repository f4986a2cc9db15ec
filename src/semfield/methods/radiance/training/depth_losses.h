#pragma once

#include <span>

#include "semfield/capture/ray_batch.h"
#include "semfield/methods/radiance/model/tile_pass.h"

namespace semfield {

// Weights of losses on how far light comes from, each divided by the number of rays of the step.
struct DepthLossScales {
  float plane = 0;         // of the bend of plain surfaces
  float known = 0;         // of known depths
  float near = 0;          // of light from near by
  float length_scale = 1;  // half extents a world unit
};

// What a tile's gradients get from them.
struct DepthLossGradients {
  float* d_weight = nullptr;               // [columns], written
  float* d_final_transmittance = nullptr;  // [rays of the tile], added to
};

// Losses on the weights w of a tile's rays, after TilePass::Color. `distance`: [columns] of the kept samples.
//
// Bend: of a trio of rays whose photo is plain between them (RayBatch::plainness p), with u = sum_i w_i /
// z_i,
//   p sqrt(e^2 + 0.01^2),  e = (u_0 - 2 u_1 + u_2) / mean(u):
// the inverse depth of a plane is linear in the picture. Where photos have no texture they say nothing of the
// depth between its edges; a plane through these edges is the likeliest. The mean is held constant. The root
// lets true edges of depth be.
//
// Known depth z: sum_i w_i min(1, |t_i - t| / t) + T_final with t the distance of z: light that comes from
// elsewhere costs by how far off it is, at once, and not only once its mean is off.
//
// Nearness: sum_i w_i / (1 + t_i), t in half extents. Of all surfaces that explain the photos the true one
// lies farthest behind: what is nearer (a sheet of a wall's colour before the wall) is explained by fewer
// views.
//
// Returns the sum of them over the tile, scaled.
double AddDepthLosses(const TilePass& pass, const RayBatch& batch, const float* distance,
                      const DepthLossScales& scales, const DepthLossGradients& gradients);

}  // namespace semfield
