#include "semfield/objects/thing_mesh.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"

namespace semfield {

std::vector<float> VertexWeights(const Mesh& mesh, const SurfaceMap& map, const Selection& selection) {
  SF_CHECK_EQ(selection.weight.size(), static_cast<size_t>(map.num_cells()));
  constexpr int kReach = 3;  // cells that depths of other views may lie off the surface's own
  constexpr int64_t kChunk = 1024;
  std::vector<float> weights(mesh.vertices.size(), 0);
  const double scale = 1 / (map.cell_size() * map.cell_size());
  ParallelChunks(mesh.num_vertices(), kChunk, [&](int64_t begin, int64_t end, int) {
    for (int64_t v = begin; v < end; ++v) {
      const Vec3 point = mesh.vertices[v].cast<double>();
      const int32_t own = map.CellAt(point, kReach);
      if (own < 0) continue;
      double sum = 0, all = 0;
      const auto add = [&](int32_t cell) {
        const double near = std::exp(-scale * (map.CellCenter(cell) - point).squaredNorm());
        sum += near * selection.weight[cell];
        all += near;
      };
      add(own);
      for (const int32_t cell : map.Neighbors(own)) add(cell);
      weights[v] = static_cast<float>(sum / std::max(1e-12, all));
    }
  });
  return weights;
}

std::vector<int> OwnersOfFaces(const Mesh& mesh, const std::vector<std::vector<float>>& weights) {
  std::vector<int> owners(mesh.faces.size(), -1);
  for (size_t f = 0; f < mesh.faces.size(); ++f) {
    float most = 0.5f;
    for (size_t s = 0; s < weights.size(); ++s) {
      float weight = 0;
      for (const int32_t v : mesh.faces[f]) weight += weights[s][v] / 3;
      if (weight <= most) continue;
      most = weight;
      owners[f] = static_cast<int>(s);
    }
  }
  return owners;
}

Mesh ThingMesh(const Mesh& mesh, const std::vector<int>& owners, int owner, double least_share) {
  std::vector<char> keep(mesh.faces.size());
  for (size_t f = 0; f < keep.size(); ++f) keep[f] = owners[f] == owner;
  const Mesh all = Submesh(mesh, keep);
  if (all.faces.empty()) return all;
  const std::vector<int> parts = PartsOf(all);
  std::vector<double> areas(*std::max_element(parts.begin(), parts.end()) + 1, 0);
  for (int f = 0; f < all.num_faces(); ++f) areas[parts[f]] += all.Cross(f).norm();
  const double least = least_share * *std::max_element(areas.begin(), areas.end());
  keep.resize(all.faces.size());
  for (size_t f = 0; f < keep.size(); ++f) keep[f] = areas[parts[f]] >= least;
  return Cleaned(Submesh(all, keep));
}

}  // namespace semfield
