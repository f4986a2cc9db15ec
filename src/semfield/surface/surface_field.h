#pragma once

#include <span>
#include <vector>

#include "semfield/field/radiance_field.h"
#include "semfield/surface/mesh.h"
#include "semfield/surface/mesh_rays.h"

namespace semfield {

struct SurfaceFieldOptions {
  int color_samples = 3;  // along a ray around its hit, 1 to 16
  double spacing = 0;  // world units between them, > 0: about what the mesh is off from the field's surface
};

// A radiance field with its surface given by a mesh of it (SAN Eq. 7): a ray that meets a face has one sample
// of weight 1, there, so that features cost one point a ray, and its color is the field's own at a few
// samples around. Rays that meet none are the field's, as if there were no mesh: meshes have holes where no
// view looked, and end before a far background. So are colors where the field has next to nothing around the
// face. Densities are the field's everywhere.
class SurfaceField : public RadianceField {
 public:
  // field and mesh (in the world) must outlive it and stay as they are.
  SurfaceField(const RadianceField& field, const Mesh& mesh, const SurfaceFieldOptions& options);

  const SceneMap& scene_map() const override { return field_.scene_map(); }
  Box3 Bounds() const override { return field_.Bounds(); }
  int latent_width() const override { return field_.latent_width(); }
  // Normals are those of the faces.
  RenderedView Render(const Camera& camera, const Pose& world_from_camera, const RenderRequest& request,
                      const StopToken* stop = nullptr) const override;
  // request.spots: a failed check, since the mesh is what names them.
  RaySamples Weights(std::span<const Ray> rays, const WeightRequest& request,
                     const StopToken* stop = nullptr) const override;
  void Density(std::span<const Vec3> points, std::span<float> density,
               const StopToken* stop = nullptr) const override {
    field_.Density(points, density, stop);
  }

 private:
  std::vector<MeshRays::Hit> Cast(std::span<const Ray> rays, const RayGaps* gaps) const;
  RaySpots SpotsOf(std::span<const MeshRays::Hit> hits) const;
  // Of rays `numbers` alone, as the field marches them.
  RaySamples Marched(std::span<const Ray> rays, std::span<const size_t> numbers, const WeightRequest& request,
                     const StopToken* stop) const;
  void AddColors(std::span<const Ray> rays, std::span<const MeshRays::Hit> hits, const WeightRequest& request,
                 const StopToken* stop, RaySamples* samples) const;

  const RadianceField& field_;
  const Mesh& mesh_;
  const MeshRays rays_;
  const SurfaceFieldOptions options_;
};

}  // namespace semfield
