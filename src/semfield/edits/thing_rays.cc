#include "semfield/edits/thing_rays.h"

#include <Eigen/Geometry>
#include <algorithm>
#include <limits>

#include "semfield/base/check.h"

namespace semfield {
namespace {

constexpr int kMostHits = 16;  // surfaces that a ray is followed through
constexpr float kBehind = 2;   // reaches behind a surface in which its density may lie
constexpr float kGrazing = 3;  // reaches that a ray beside a thing is looked at
constexpr float kFar = 1e30f;

Vec3f OriginOf(const Ray& ray) {
  return {ray.origin[0], ray.origin[1], ray.origin[2]};
}
Vec3f DirectionOf(const Ray& ray) {
  return {ray.direction[0], ray.direction[1], ray.direction[2]};
}

std::optional<MeshRays::Hit> CastFrom(const MeshRays& rays, const Ray& ray, float from) {
  const Vec3f direction = DirectionOf(ray);
  std::optional<MeshRays::Hit> hit = rays.Cast(OriginOf(ray) + from * direction, direction);
  if (hit) hit->distance += from;
  return hit;
}

// Overlapping ones become one.
void Join(std::vector<std::pair<float, float>>* parts) {
  std::sort(parts->begin(), parts->end());
  std::vector<std::pair<float, float>> joined;
  for (const auto& part : *parts) {
    if (!joined.empty() && part.first <= joined.back().second) {
      joined.back().second = std::max(joined.back().second, part.second);
    } else {
      joined.push_back(part);
    }
  }
  *parts = std::move(joined);
}

}  // namespace

Vec3 SceneSurface::NormalAt(const MeshRays::Hit& hit) const {
  const auto& [a, b, c] = mesh.faces[hit.face];
  const Vec3f normal = (1 - hit.u - hit.v) * normals[a] + hit.u * normals[b] + hit.v * normals[c];
  return normal.cast<double>().normalized();
}

ThingRays::ThingRays(const SceneSurface& surface, std::vector<char> is_own, double reach)
    : surface_(surface), is_own_(std::move(is_own)), reach_(static_cast<float>(reach)) {
  SF_CHECK_EQ(is_own_.size(), surface.mesh.faces.size());
  for (size_t f = 0; f < is_own_.size(); ++f) {
    if (is_own_[f]) own_faces_.push_back(static_cast<int32_t>(f));
  }
  const Mesh own = Submesh(surface.mesh, is_own_);
  const std::vector<Vec3f> normals = VertexNormals(own);
  shell_ = own;
  shell_.colors.clear();
  for (int v = 0; v < own.num_vertices(); ++v) shell_.vertices[v] += reach_ * normals[v];
  num_shifted_ = own.num_faces();
  const int first = own.num_vertices();
  shell_.vertices.insert(shell_.vertices.end(), own.vertices.begin(), own.vertices.end());
  for (const auto& face : own.faces)
    shell_.faces.push_back({face[0] + first, face[1] + first, face[2] + first});
  shell_rays_ = std::make_unique<MeshRays>(shell_);
}

std::optional<MeshRays::Hit> ThingRays::Shell(const Ray& ray, float from) const {
  return CastFrom(*shell_rays_, ray, from);
}

RayParts ThingRays::Own(const Ray& ray) const {
  RayParts own;
  float from = 0;
  for (int i = 0; i < kMostHits; ++i) {
    std::optional<MeshRays::Hit> hit = Shell(ray, from);
    if (!hit) break;
    const float at = hit->distance;
    from = at + 0.01f * reach_;
    if (hit->face < num_shifted_) {
      own.parts.emplace_back(at - 0.5f * reach_, at + kGrazing * reach_);
      continue;
    }
    own.parts.emplace_back(at - 1.5f * reach_, at + kBehind * reach_);
    hit->face = own_faces_[hit->face - num_shifted_];
    own.met = hit;
    own.unseen = !hit->is_front;
    break;
  }
  Join(&own.parts);
  return own;
}

RayParts ThingRays::Emptied(const Ray& ray) const {
  RayParts emptied;
  float from = 0;
  for (int i = 0; i < kMostHits && !emptied.unseen; ++i) {
    const std::optional<MeshRays::Hit> entry = Shell(ray, from);
    if (!entry) break;
    const float begin = entry->distance;
    // Through the things' own faces to what comes behind them.
    std::optional<MeshRays::Hit> next;
    bool met = entry->face >= num_shifted_;
    float at = begin - 0.01f * reach_;
    for (int k = 0; k < kMostHits; ++k) {
      next = CastFrom(surface_.rays, ray, at);
      if (!next || !is_own_[next->face]) break;
      met = true;
      at = next->distance + 0.01f * reach_;
    }
    const bool known = next && (next->is_front || !met);
    // Beside a thing, where there is nothing to end at, only its fringe is empty.
    const float end = known ? next->distance - reach_ : met ? kFar : begin + 2 * kGrazing * reach_;
    if (met && !emptied.met) emptied.met = entry;
    emptied.unseen = met && !known;
    if (end > begin) emptied.parts.emplace_back(begin, end);
    from = std::max(known ? next->distance : end, begin) + 0.01f * reach_;
  }
  Join(&emptied.parts);
  return emptied;
}

}  // namespace semfield
