#pragma once

#include <vector>

#include "semfield/surface/mesh_atlas.h"
#include "semfield/surface/mesh_colors.h"

namespace semfield {

struct TexturedMesh {
  Mesh mesh;                        // vertices repeated where charts meet
  std::vector<Eigen::Vector2f> uv;  // [vertices] in [0, 1], from the top left corner
  ImageU8 texture;                  // RGB
  int num_charts = 0;
  double from_photos = 0;  // share of the texels that show something
};

// Pixels around those that have a color take the mean of those beside them, a few layers far: what filters
// and smaller pictures of a texture look at beside its charts. has_color: [pixels].
void DilateTexture(std::vector<char> has_color, ImageU8* texture);

// A picture for a mesh (in the world, colored), size x size pixels: every texel has the color that the photos
// show there, by the same rules as vertices, and where none sees it the color of the vertices around. What
// stands in the way is asked of `occluders`, a mesh of the whole scene. tolerance: as ColorVertices.
TexturedMesh TextureMesh(const Mesh& mesh, int size, const std::vector<ColorView>& views,
                         const MeshRays& occluders, double tolerance, const JobControl& control);

}  // namespace semfield
