#include "semfield/surface/mesh_rays.h"

#include <embree3/rtcore.h>

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <limits>

#include "semfield/base/error.h"
#include "semfield/base/parallel.h"
#include "semfield/geometry/rays.h"

namespace semfield {

struct MeshRays::Impl {
  ~Impl() {
    rtcReleaseScene(scene);
    rtcReleaseDevice(device);
  }
  RTCDevice device = nullptr;
  RTCScene scene = nullptr;
};

namespace {

RTCRay RayOf(const Vec3f& origin, const Vec3f& direction, float nearest, float longest) {
  RTCRay ray{};
  ray.org_x = origin.x();
  ray.org_y = origin.y();
  ray.org_z = origin.z();
  ray.dir_x = direction.x();
  ray.dir_y = direction.y();
  ray.dir_z = direction.z();
  ray.tnear = nearest;
  ray.tfar = longest;
  ray.mask = std::numeric_limits<unsigned>::max();
  return ray;
}

}  // namespace

MeshRays::MeshRays(const Mesh& mesh) : impl_(std::make_unique<Impl>()) {
  // Its own pool of threads would take the cores of base/parallel.h.
  impl_->device = rtcNewDevice("threads=1,set_affinity=0");
  if (impl_->device == nullptr) throw ResourceError("ray casting: Embree could not be started");
  impl_->scene = rtcNewScene(impl_->device);
  rtcSetSceneFlags(impl_->scene, RTC_SCENE_FLAG_ROBUST);
  if (!mesh.faces.empty()) {
    RTCGeometry geometry = rtcNewGeometry(impl_->device, RTC_GEOMETRY_TYPE_TRIANGLE);
    // Copies: Embree reads 16 bytes at each vertex, which a shared buffer would have to have room for.
    void* vertices = rtcSetNewGeometryBuffer(geometry, RTC_BUFFER_TYPE_VERTEX, 0, RTC_FORMAT_FLOAT3,
                                             sizeof(Vec3f), mesh.vertices.size());
    void* faces = rtcSetNewGeometryBuffer(geometry, RTC_BUFFER_TYPE_INDEX, 0, RTC_FORMAT_UINT3,
                                          sizeof(mesh.faces[0]), mesh.faces.size());
    if (vertices != nullptr && faces != nullptr) {
      std::copy(mesh.vertices.begin(), mesh.vertices.end(), static_cast<Vec3f*>(vertices));
      std::copy(mesh.faces.begin(), mesh.faces.end(), static_cast<std::array<int32_t, 3>*>(faces));
      rtcCommitGeometry(geometry);
      rtcAttachGeometry(impl_->scene, geometry);
    }
    rtcReleaseGeometry(geometry);
  }
  rtcCommitScene(impl_->scene);
  if (rtcGetDeviceError(impl_->device) != RTC_ERROR_NONE) {
    throw ResourceError("ray casting: Embree could not hold a mesh of {} faces in memory", mesh.num_faces());
  }
}

MeshRays::~MeshRays() = default;

std::optional<MeshRays::Hit> MeshRays::Cast(const Vec3f& origin, const Vec3f& direction,
                                            float longest) const {
  RTCIntersectContext context;
  rtcInitIntersectContext(&context);
  RTCRayHit query{};
  query.ray = RayOf(origin, direction, 0, longest);
  query.hit.geomID = RTC_INVALID_GEOMETRY_ID;
  rtcIntersect1(impl_->scene, &context, &query);
  if (query.hit.geomID == RTC_INVALID_GEOMETRY_ID) return std::nullopt;
  const Vec3f normal(query.hit.Ng_x, query.hit.Ng_y, query.hit.Ng_z);
  return Hit{.face = static_cast<int>(query.hit.primID),
             .u = query.hit.u,
             .v = query.hit.v,
             .distance = query.ray.tfar,
             .is_front = normal.dot(direction) < 0};
}

void MeshRays::CastAll(std::span<const Ray> rays, std::span<Hit> hits) const {
  constexpr size_t kWidth = 16;
  RTCIntersectContext context;
  rtcInitIntersectContext(&context);
  context.flags = RTC_INTERSECT_CONTEXT_FLAG_COHERENT;
  for (size_t first = 0; first < rays.size(); first += kWidth) {
    const size_t count = std::min(kWidth, rays.size() - first);
    alignas(64) int valid[kWidth];
    RTCRayHit16 query{};
    for (size_t i = 0; i < kWidth; ++i) {
      const Ray& ray = rays[first + std::min(i, count - 1)];
      valid[i] = i < count ? -1 : 0;
      query.ray.org_x[i] = ray.origin[0], query.ray.dir_x[i] = ray.direction[0];
      query.ray.org_y[i] = ray.origin[1], query.ray.dir_y[i] = ray.direction[1];
      query.ray.org_z[i] = ray.origin[2], query.ray.dir_z[i] = ray.direction[2];
      query.ray.tfar[i] = 1e30f;
      query.ray.mask[i] = std::numeric_limits<unsigned>::max();
      query.hit.geomID[i] = RTC_INVALID_GEOMETRY_ID;
    }
    rtcIntersect16(valid, impl_->scene, &context, &query);
    for (size_t i = 0; i < count; ++i) {
      Hit& hit = hits[first + i] = Hit{};
      if (query.hit.geomID[i] == RTC_INVALID_GEOMETRY_ID) continue;
      hit.face = static_cast<int>(query.hit.primID[i]);
      hit.u = query.hit.u[i];
      hit.v = query.hit.v[i];
      hit.distance = query.ray.tfar[i];
      hit.is_front = query.hit.Ng_x[i] * query.ray.dir_x[i] + query.hit.Ng_y[i] * query.ray.dir_y[i] +
                         query.hit.Ng_z[i] * query.ray.dir_z[i] <
                     0;
    }
  }
}

bool MeshRays::IsFree(const Vec3f& from, const Vec3f& to, float margin) const {
  const Vec3f way = to - from;
  const float length = way.norm();
  if (length <= 2 * margin) return true;
  RTCIntersectContext context;
  rtcInitIntersectContext(&context);
  RTCRay ray = RayOf(from, way, margin / length, 1 - margin / length);
  rtcOccluded1(impl_->scene, &context, &ray);
  return ray.tfar >= 0;  // Embree sets it to -infinity where something is in the way
}

namespace {

// Between four pixels of a texture; centres at +0.5, the border goes on outside.
std::array<float, 3> TextureAt(const ImageU8& texture, Eigen::Vector2f uv) {
  for (int k = 0; k < 2; ++k) {
    if (uv[k] < 0 || uv[k] > 1) uv[k] -= std::floor(uv[k]);
  }
  const float x = std::clamp(uv.x() * texture.width - 0.5f, 0.0f, texture.width - 1.0f),
              y = std::clamp(uv.y() * texture.height - 0.5f, 0.0f, texture.height - 1.0f);
  const int x0 = static_cast<int>(x), y0 = static_cast<int>(y);
  const int x1 = std::min(x0 + 1, texture.width - 1), y1 = std::min(y0 + 1, texture.height - 1);
  const float u = x - x0, v = y - y0;
  std::array<float, 3> color;
  for (int k = 0; k < 3; ++k) {
    const float top = (1 - u) * texture.At(x0, y0, k) + u * texture.At(x1, y0, k),
                bottom = (1 - u) * texture.At(x0, y1, k) + u * texture.At(x1, y1, k);
    color[k] = ((1 - v) * top + v * bottom) / 255;
  }
  return color;
}

}  // namespace

std::array<float, 3> ColorAt(const Mesh& mesh, const MeshRays::Hit& hit, const MeshSkin* skin) {
  const auto& [a, b, c] = mesh.faces[hit.face];
  const float weight[3] = {1 - hit.u - hit.v, hit.u, hit.v};
  if (skin != nullptr)
    return TextureAt(skin->texture,
                     weight[0] * skin->uv[a] + weight[1] * skin->uv[b] + weight[2] * skin->uv[c]);
  std::array<float, 3> color;
  for (int k = 0; k < 3; ++k)
    color[k] =
        (weight[0] * mesh.colors[a][k] + weight[1] * mesh.colors[b][k] + weight[2] * mesh.colors[c][k]) / 255;
  return color;
}

MeshPicture Picture(const Mesh& mesh, const MeshRays& rays, const Camera& camera,
                    const Pose& world_from_camera, const std::array<float, 3>& background,
                    const MeshSkin* skin) {
  MeshPicture picture;
  picture.depth = ImageF(camera.width, camera.height, 1);
  const bool has_colors = skin != nullptr || !mesh.colors.empty();
  if (has_colors) picture.rgb = ImageF(camera.width, camera.height, 3);
  ParallelFor(camera.height, [&](int64_t row, int) {
    const int y = static_cast<int>(row);
    for (int x = 0; x < camera.width; ++x) {
      const Ray ray = MakeRay(camera, world_from_camera, {x + 0.5, y + 0.5});
      const auto hit = rays.Cast({ray.origin[0], ray.origin[1], ray.origin[2]},
                                 {ray.direction[0], ray.direction[1], ray.direction[2]});
      if (hit) picture.depth.At(x, y) = hit->distance * ray.z_scale;
      if (!has_colors) continue;
      const std::array<float, 3> color = hit ? ColorAt(mesh, *hit, skin) : background;
      std::copy_n(color.begin(), 3, &picture.rgb.At(x, y));
    }
  });
  return picture;
}

}  // namespace semfield
