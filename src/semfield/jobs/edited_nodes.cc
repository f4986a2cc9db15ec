#include "semfield/jobs/edited_nodes.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "semfield/surface/mesh_rays.h"
#include "semfield/surface/mesh_texture.h"

namespace semfield {
namespace {

constexpr int kFewestFaces = 500;  // of a thing, whatever its share

void AddTexture(const RunPhotos& photos, const MeshRays& occluders, const EditedScene& scene, int size,
                const JobControl& control, MeshNode* node) {
  TexturedMesh textured =
      TextureMesh(node->mesh, size, photos.views(), occluders, 2 * scene.surface.voxel, control);
  node->mesh = std::move(textured.mesh);
  node->uv = std::move(textured.uv);
  node->texture = std::move(textured.texture);
}

}  // namespace

std::vector<MeshNode> EditedNodes(const OpenedRun& run, const EditedScene& scene,
                                  const EditedNodesOptions& options, const JobControl& control) {
  std::unique_ptr<RunPhotos> photos;
  std::unique_ptr<MeshRays> occluders;
  if (options.texture > 0) {
    photos = std::make_unique<RunPhotos>(run, control);
    occluders = std::make_unique<MeshRays>(scene.surface.mesh);
  }
  const double all = scene.surface.mesh.num_faces();
  const auto finish = [&](MeshNode* node, int size) {
    const double share = node->mesh.num_faces() / all;
    if (options.faces > 0)
      node->mesh = Simplified(node->mesh, std::max(kFewestFaces, static_cast<int>(share * options.faces)));
    if (photos) AddTexture(*photos, *occluders, scene, size, control, node);
  };
  std::vector<MeshNode> nodes;
  MeshNode rest{.name = "scene", .mesh = RestOf(scene, /*keep_standing=*/false)};
  if (!rest.mesh.faces.empty()) {
    finish(&rest, options.texture);
    nodes.push_back(std::move(rest));
  }
  for (const EditedPart& part : scene.parts) {
    control.ThrowIfStopped();
    if (!part.is_there) continue;
    EditedPart finished = part;
    for (MeshNode& node : finished.nodes) {
      if (part.owner >= 0) finish(&node, options.texture / 2);
    }
    for (MeshNode& node : PlacedNodes(finished)) {
      node.name = part.name;
      nodes.push_back(std::move(node));
    }
  }
  return nodes;
}

}  // namespace semfield
