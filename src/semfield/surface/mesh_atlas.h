#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <Eigen/Core>

#include "semfield/base/job_control.h"
#include "semfield/surface/mesh.h"

namespace semfield {

// A mesh cut into charts that lie flat beside each other in a square picture.
struct Atlas {
  Mesh mesh;                        // as given, with vertices repeated where charts meet
  std::vector<Eigen::Vector2f> uv;  // [vertices] in pixels of the picture, from its top left corner
  int size = 0;                     // pixels a side
  int num_charts = 0;
  double pixels_per_unit = 0;  // on what lies flat in its chart
};

// Charts are grown over edges while faces look about the same way, and each is laid along its mean normal.
// `gap` pixels at least stay free around each. size: at least 64. The same mesh gives the same atlas.
Atlas MakeAtlas(const Mesh& mesh, int size, int gap, const JobControl& control);

// What a pixel of an atlas shows.
struct Texel {
  int32_t pixel;  // y * size + x
  Vec3f place, normal;
  std::array<uint8_t, 3> fallback;  // between the colors of the face's vertices; gray of a mesh without
};
// Every pixel whose centre a face covers, each once, in order.
std::vector<Texel> TexelsOf(const Atlas& atlas);

}  // namespace semfield
