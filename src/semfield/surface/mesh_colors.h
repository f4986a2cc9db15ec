#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/field/color_map.h"
#include "semfield/field/radiance_field.h"
#include "semfield/surface/mesh.h"
#include "semfield/surface/mesh_rays.h"
#include "semfield/surface/surface_map.h"

namespace semfield {

// A photo of the mesh.
struct ColorView {
  const DepthView* depth = nullptr;  // what the view sees of the surface; must outlive the call
  Camera camera;                     // at the photo's size
  std::function<std::shared_ptr<const ImageU8>()> image;  // RGB or RGBA of that size
  std::function<std::shared_ptr<const ImageU8>()> mask;   // 0: the pixel does not count; nullptr: all do
  ColorMap exposure;                                      // what the photo shows of the scene's colors
};

struct ColoringResult {
  int from_photos = 0;  // vertices
  int from_field = 0;
  int from_neighbors = 0;  // that neither knows
};

// Gives each vertex (in the world) a color: of the photos that see it, those that look from near and straight
// count most, and those that say something else than most of them are left out. A photo sees a vertex where
// no face of the mesh is in the way and its depth says the same. What no photo sees has the field's color.
// tolerance: how far a surface may be off, world units.
ColoringResult ColorVertices(const std::vector<ColorView>& views, const RadianceField& field,
                             double tolerance, const JobControl& control, Mesh* mesh);

}  // namespace semfield
