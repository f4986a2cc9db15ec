#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "semfield/geometry/camera.h"
#include "semfield/geometry/pose.h"
#include "semfield/geometry/rays.h"
#include "semfield/image/image.h"
#include "semfield/surface/mesh.h"

namespace semfield {

// Where rays meet a mesh (Embree). Calls are thread-safe; none makes threads of its own.
class MeshRays {
 public:
  // The mesh must outlive it and stay as it is. Out of memory: ResourceError.
  explicit MeshRays(const Mesh& mesh);
  ~MeshRays();
  MeshRays(const MeshRays&) = delete;
  MeshRays& operator=(const MeshRays&) = delete;

  struct Hit {
    int face = -1;
    float u = 0, v = 0;  // the point is (1 - u - v) a + u b + v c of the face's vertices
    float distance = 0;  // in lengths of `direction`
    bool is_front = true;
  };
  // The nearest face that origin + t direction, 0 < t < longest, goes through.
  std::optional<Hit> Cast(const Vec3f& origin, const Vec3f& direction, float longest = 1e30f) const;
  // The same of many rays at once, with their lengths 1; neighbours should look about the same way. hits
  // [rays], face -1 where there is none.
  void CastAll(std::span<const Ray> rays, std::span<Hit> hits) const;
  // Whether no face lies between two points; the outer `margin` of the way (in its lengths) does not count.
  bool IsFree(const Vec3f& from, const Vec3f& to, float margin) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What a camera sees of a mesh.
struct MeshPicture {
  ImageF depth;  // 1 channel, z-depth, 0: nothing there
  ImageF rgb;    // 3 channels in [0, 1], colors of vertices interpolated; empty of a mesh without
};
// A picture on a mesh.
struct MeshSkin {
  const std::vector<Eigen::Vector2f>& uv;  // [vertices] in [0, 1], from the top left corner
  const ImageU8& texture;                  // RGB
};
// What a hit on a mesh shows, sRGB in [0, 1]: its skin where it has one (outside of [0, 1] a texture
// repeats), else the colors of its vertices.
std::array<float, 3> ColorAt(const Mesh& mesh, const MeshRays::Hit& hit, const MeshSkin* skin = nullptr);
// skin: shown in the place of the vertices' colors. background: what `rgb` shows where there is no mesh.
MeshPicture Picture(const Mesh& mesh, const MeshRays& rays, const Camera& camera,
                    const Pose& world_from_camera, const std::array<float, 3>& background = {1, 1, 1},
                    const MeshSkin* skin = nullptr);

}  // namespace semfield
