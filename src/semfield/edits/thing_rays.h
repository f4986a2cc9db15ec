#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "semfield/field/radiance_field.h"
#include "semfield/geometry/rays.h"
#include "semfield/surface/mesh.h"
#include "semfield/surface/mesh_rays.h"

namespace semfield {

// The surface of a scene whose faces rays tell apart.
struct SceneSurface {
  explicit SceneSurface(const Mesh& mesh) : mesh(mesh), normals(VertexNormals(mesh)), rays(mesh) {}
  const Mesh& mesh;  // must outlive it
  const std::vector<Vec3f> normals;
  const MeshRays rays;

  // Unit, between those of the face's vertices.
  Vec3 NormalAt(const MeshRays::Hit& hit) const;
};

// Along one ray: parts of it that belong together, and what was met there.
struct RayParts {
  std::vector<std::pair<float, float>> parts;  // distances, increasing, apart from each other
  std::optional<MeshRays::Hit> met;            // the thing's own surface; distance: along the ray
  bool unseen = false;                         // nothing is known of what comes then
};

// What rays meet of the faces of some things. A thing's density lies around its faces: in front of them as
// far as `reach` (world units), which a second surface marks, shifted along the normals.
class ThingRays {
 public:
  // is_own: [faces] of the surface, which must outlive it.
  ThingRays(const SceneSurface& surface, std::vector<char> is_own, double reach);

  // Where the ray goes through the things' density.
  RayParts Own(const Ray& ray) const;
  // Where it would find nothing if the things were not there: from before their surface to the next one that
  // is not theirs and is seen from its front; without one, to the end.
  RayParts Emptied(const Ray& ray) const;

 private:
  std::optional<MeshRays::Hit> Shell(const Ray& ray, float from) const;

  const SceneSurface& surface_;
  const std::vector<char> is_own_;
  const float reach_;
  int num_shifted_ = 0;  // faces of the shell that are the shifted ones
  std::vector<int32_t> own_faces_;
  Mesh shell_;
  std::unique_ptr<MeshRays> shell_rays_;
};

}  // namespace semfield
