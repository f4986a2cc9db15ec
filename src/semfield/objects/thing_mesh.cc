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

void DropStrayFaces(const Mesh& mesh, double least_share, std::vector<int>* owners) {
  const int num_owners = owners->empty() ? 0 : 1 + *std::max_element(owners->begin(), owners->end());
  for (int owner = 0; owner < num_owners; ++owner) {
    std::vector<char> keep(owners->size());
    std::vector<int> own;  // faces, in the order of the submesh
    for (size_t f = 0; f < owners->size(); ++f) {
      keep[f] = (*owners)[f] == owner;
      if (keep[f]) own.push_back(static_cast<int>(f));
    }
    const std::vector<int> part_of = PartsOf(Submesh(mesh, keep));
    std::vector<double> area(part_of.empty() ? 0 : 1 + *std::max_element(part_of.begin(), part_of.end()), 0);
    for (size_t i = 0; i < part_of.size(); ++i) area[part_of[i]] += mesh.Cross(own[i]).norm();
    const double most = area.empty() ? 0 : *std::max_element(area.begin(), area.end());
    for (size_t i = 0; i < part_of.size(); ++i) {
      if (area[part_of[i]] < least_share * most) (*owners)[own[i]] = -1;
    }
  }
}

void GiveCrumbs(const Mesh& mesh, double most_share, std::vector<int>* owners) {
  const int num_owners = 1 + *std::max_element(owners->begin(), owners->end());
  if (num_owners <= 0) return;
  std::vector<int> owner_at(mesh.vertices.size(), -1);
  std::vector<double> area(num_owners, 0);
  std::vector<Box3> box(num_owners, {.min = Vec3::Constant(1e300), .max = Vec3::Constant(-1e300)});
  std::vector<char> is_free(owners->size(), 0);
  std::vector<int> free_faces;
  for (size_t f = 0; f < owners->size(); ++f) {
    const int owner = (*owners)[f];
    if (owner < 0) {
      is_free[f] = 1;
      free_faces.push_back(static_cast<int>(f));
      continue;
    }
    area[owner] += 0.5 * mesh.Cross(static_cast<int>(f)).norm();
    for (const int32_t v : mesh.faces[f]) {
      owner_at[v] = owner;
      box[owner].min = box[owner].min.cwiseMin(mesh.vertices[v].cast<double>());
      box[owner].max = box[owner].max.cwiseMax(mesh.vertices[v].cast<double>());
    }
  }
  const std::vector<int> part_of = PartsOf(Submesh(mesh, is_free));  // faces keep their order
  struct Part {
    double area = 0;
    int beside = -1;  // an owner that it touches
    Box3 box = {.min = Vec3::Constant(1e300), .max = Vec3::Constant(-1e300)};
  };
  std::vector<Part> parts(part_of.empty() ? 0 : 1 + *std::max_element(part_of.begin(), part_of.end()));
  for (size_t i = 0; i < part_of.size(); ++i) {
    Part& part = parts[part_of[i]];
    part.area += 0.5 * mesh.Cross(free_faces[i]).norm();
    for (const int32_t v : mesh.faces[free_faces[i]]) {
      if (owner_at[v] >= 0) part.beside = owner_at[v];
      part.box.min = part.box.min.cwiseMin(mesh.vertices[v].cast<double>());
      part.box.max = part.box.max.cwiseMax(mesh.vertices[v].cast<double>());
    }
  }
  for (Part& part : parts) {
    for (int owner = 0; owner < num_owners && part.beside < 0; ++owner) {
      if ((part.box.min.array() >= box[owner].min.array()).all() &&
          (part.box.max.array() <= box[owner].max.array()).all())
        part.beside = owner;
    }
    if (part.beside >= 0 && part.area >= most_share * area[part.beside]) part.beside = -1;
  }
  for (size_t i = 0; i < part_of.size(); ++i) {
    if (parts[part_of[i]].beside >= 0) (*owners)[free_faces[i]] = parts[part_of[i]].beside;
  }
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
