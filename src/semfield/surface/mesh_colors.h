#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
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

// What photos say of points of a surface: of those that see a point, the ones that look from near and
// straight count most, and those that say something else than most of them are left out. A photo sees a point
// where no face of the scene is in the way and its depth says the same.
class PhotoColors {
 public:
  // places, normals: in the world, of equal number. occluders, which must outlive it: all that may be in the
  // way. tolerance: how far a surface may be off, world units.
  PhotoColors(std::vector<Vec3f> places, std::vector<Vec3f> normals, const MeshRays& occluders,
              double tolerance);
  ~PhotoColors();
  // All photos, one after another; `stage` names the work in reports.
  void LookAll(const std::vector<ColorView>& views, const std::string& stage, const JobControl& control);
  // Nothing where no photo sees it.
  std::optional<std::array<uint8_t, 3>> ColorOf(int64_t point) const;

 private:
  struct Samples;
  void Look(const ColorView& view);
  float Weight(const ColorView& view, int64_t point) const;

  const std::vector<Vec3f> places_, normals_;
  const MeshRays& occluders_;
  const double tolerance_;
  std::vector<Samples> samples_;
};

struct ColoringResult {
  int from_photos = 0;  // vertices
  int from_field = 0;
  int from_neighbors = 0;  // that neither knows
};

// Gives each vertex (in the world) the color that photos show there (PhotoColors), and where none sees it
// that of the field. tolerance: as PhotoColors.
ColoringResult ColorVertices(const std::vector<ColorView>& views, const RadianceField& field,
                             double tolerance, const JobControl& control, Mesh* mesh);

}  // namespace semfield
