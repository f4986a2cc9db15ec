#include "semfield/surface/mesh.h"

#include <meshoptimizer.h>

#include <Eigen/Geometry>
#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>

#include "semfield/base/check.h"

namespace semfield {
namespace {

using Face = std::array<int32_t, 3>;

// A face under this share of the square of its longest edge has no area that other programs could use.
constexpr double kLeastArea = 1e-7;

bool IsDegenerate(const Mesh& mesh, int face) {
  const auto& [a, b, c] = mesh.faces[face];
  if (a == b || b == c || a == c) return true;
  double longest = 0;
  for (int k = 0; k < 3; ++k) {
    const Vec3f edge = mesh.vertices[mesh.faces[face][(k + 1) % 3]] - mesh.vertices[mesh.faces[face][k]];
    longest = std::max(longest, edge.cast<double>().squaredNorm());
  }
  return !(mesh.Cross(face).norm() > kLeastArea * longest);
}

Face Sorted(Face face) {
  std::sort(face.begin(), face.end());
  return face;
}

// Whether a face has the vertices of one before it, for all faces.
std::vector<char> Repeated(const Mesh& mesh) {
  std::vector<int> order(mesh.faces.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    const Face fa = Sorted(mesh.faces[a]), fb = Sorted(mesh.faces[b]);
    return fa != fb ? fa < fb : a < b;
  });
  std::vector<char> repeated(mesh.faces.size(), 0);
  for (size_t i = 1; i < order.size(); ++i)
    repeated[order[i]] = Sorted(mesh.faces[order[i]]) == Sorted(mesh.faces[order[i - 1]]);
  return repeated;
}

// Edges that faces pass more often in one direction than in the other, by two or more: for each, the faces
// that are too many, the last ones first.
std::vector<std::vector<int>> OneWayFaces(const Mesh& mesh) {
  struct Passed {
    int32_t low, high;
    int direction, face;
  };
  std::vector<Passed> edges;
  for (int f = 0; f < mesh.num_faces(); ++f) {
    for (int k = 0; k < 3; ++k) {
      const int32_t a = mesh.faces[f][k], b = mesh.faces[f][(k + 1) % 3];
      edges.push_back({std::min(a, b), std::max(a, b), a < b ? 1 : -1, f});
    }
  }
  std::sort(edges.begin(), edges.end(), [](const Passed& a, const Passed& b) {
    return std::tie(a.low, a.high, a.face) < std::tie(b.low, b.high, b.face);
  });
  std::vector<std::vector<int>> one_way;
  for (size_t i = 0; i < edges.size();) {
    size_t end = i;
    int balance = 0;
    for (; end < edges.size() && edges[end].low == edges[i].low && edges[end].high == edges[i].high; ++end)
      balance += edges[end].direction;
    if (std::abs(balance) > 1) {
      std::vector<int>& faces = one_way.emplace_back();
      for (size_t e = end; e > i && static_cast<int>(faces.size()) < std::abs(balance) - 1; --e) {
        if (edges[e - 1].direction * balance > 0) faces.push_back(edges[e - 1].face);
      }
    }
    i = end;
  }
  return one_way;
}

int Root(std::vector<int>& parent, int vertex) {
  while (parent[vertex] != vertex) vertex = parent[vertex] = parent[parent[vertex]];
  return vertex;
}

}  // namespace

Vec3 Mesh::Cross(int face) const {
  const Vec3 a = vertices[faces[face][0]].cast<double>(), b = vertices[faces[face][1]].cast<double>(),
             c = vertices[faces[face][2]].cast<double>();
  return (b - a).cross(c - a);
}

Vec3 Mesh::Centroid(int face) const {
  return (vertices[faces[face][0]] + vertices[faces[face][1]] + vertices[faces[face][2]]).cast<double>() / 3;
}

bool MeshDefects::None() const {
  return degenerate_faces == 0 && repeated_faces == 0 && not_finite == 0 && unreferenced == 0 &&
         out_of_range == 0 && one_way_edges == 0;
}

MeshDefects DefectsOf(const Mesh& mesh) {
  MeshDefects defects;
  std::vector<char> used(mesh.vertices.size(), 0);
  for (const Face& face : mesh.faces) {
    const bool is_out =
        std::any_of(face.begin(), face.end(), [&](int32_t v) { return v < 0 || v >= mesh.num_vertices(); });
    defects.out_of_range += is_out;
    for (const int32_t v : face) {
      if (!is_out) used[v] = 1;
    }
  }
  for (const Vec3f& vertex : mesh.vertices) defects.not_finite += !vertex.allFinite();
  defects.unreferenced = static_cast<int>(std::count(used.begin(), used.end(), 0));
  if (defects.out_of_range > 0) return defects;
  for (int f = 0; f < mesh.num_faces(); ++f) defects.degenerate_faces += IsDegenerate(mesh, f);
  const std::vector<char> repeated = Repeated(mesh);
  defects.repeated_faces = static_cast<int>(std::count(repeated.begin(), repeated.end(), 1));
  defects.one_way_edges = static_cast<int>(OneWayFaces(mesh).size());
  return defects;
}

double AreaOf(const Mesh& mesh) {
  double area = 0;
  for (int f = 0; f < mesh.num_faces(); ++f) area += 0.5 * mesh.Cross(f).norm();
  return area;
}

Box3 BoundsOf(const Mesh& mesh) {
  Box3 box;
  if (mesh.vertices.empty()) return box;
  box.min = box.max = mesh.vertices.front().cast<double>();
  for (const Vec3f& vertex : mesh.vertices) {
    box.min = box.min.cwiseMin(vertex.cast<double>());
    box.max = box.max.cwiseMax(vertex.cast<double>());
  }
  return box;
}

Mesh Welded(const Mesh& mesh, std::vector<int32_t>* number) {
  std::vector<int32_t> order(mesh.vertices.size());
  std::iota(order.begin(), order.end(), 0);
  const auto place = [&](int32_t v) {
    const Vec3f& p = mesh.vertices[v];
    return std::array<float, 3>{p.x(), p.y(), p.z()};
  };
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return place(a) < place(b); });
  Mesh welded{.vertices = {}, .faces = mesh.faces, .colors = {}};
  number->resize(mesh.vertices.size());
  for (size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || place(order[i]) != place(order[i - 1])) {
      welded.vertices.push_back(mesh.vertices[order[i]]);
      if (!mesh.colors.empty()) welded.colors.push_back(mesh.colors[order[i]]);
    }
    (*number)[order[i]] = welded.num_vertices() - 1;
  }
  for (Face& face : welded.faces) {
    for (int32_t& v : face) v = (*number)[v];
  }
  return welded;
}

std::vector<Vec3f> WeldedNormals(const Mesh& mesh) {
  std::vector<int32_t> number;
  const std::vector<Vec3f> normals = VertexNormals(Welded(mesh, &number));
  std::vector<Vec3f> all(mesh.vertices.size());
  for (size_t v = 0; v < all.size(); ++v) all[v] = normals[number[v]];
  return all;
}

std::vector<Vec3f> VertexNormals(const Mesh& mesh) {
  std::vector<Vec3> sums(mesh.vertices.size(), Vec3::Zero());
  for (int f = 0; f < mesh.num_faces(); ++f) {
    const Vec3 cross = mesh.Cross(f);
    for (const int32_t v : mesh.faces[f]) sums[v] += cross;
  }
  std::vector<Vec3f> normals(mesh.vertices.size());
  for (size_t v = 0; v < sums.size(); ++v) {
    const double length = sums[v].norm();
    normals[v] = length > 1e-30 ? Vec3f((sums[v] / length).cast<float>()) : Vec3f(0, 0, 1);
  }
  return normals;
}

Mesh Submesh(const Mesh& mesh, const std::vector<char>& keep) {
  SF_CHECK_EQ(keep.size(), mesh.faces.size());
  std::vector<int32_t> number(mesh.vertices.size(), -1);
  Mesh part;
  for (size_t f = 0; f < mesh.faces.size(); ++f) {
    if (!keep[f]) continue;
    Face face = mesh.faces[f];
    for (int32_t& v : face) {
      if (number[v] < 0) {
        number[v] = part.num_vertices();
        part.vertices.push_back(mesh.vertices[v]);
        if (!mesh.colors.empty()) part.colors.push_back(mesh.colors[v]);
      }
      v = number[v];
    }
    part.faces.push_back(face);
  }
  return part;
}

Mesh Cleaned(const Mesh& mesh) {
  std::vector<char> keep(mesh.faces.size());
  const std::vector<char> repeated = Repeated(mesh);
  for (int f = 0; f < mesh.num_faces(); ++f) keep[f] = !repeated[f] && !IsDegenerate(mesh, f);
  Mesh clean = Submesh(mesh, keep);
  for (std::vector<std::vector<int>> one_way = OneWayFaces(clean); !one_way.empty();
       one_way = OneWayFaces(clean)) {
    keep.assign(clean.faces.size(), 1);
    for (const std::vector<int>& faces : one_way) {
      for (const int face : faces) keep[face] = 0;
    }
    clean = Submesh(clean, keep);
  }
  return clean;
}

std::vector<int> PartsOf(const Mesh& mesh) {
  std::vector<int> parent(mesh.vertices.size());
  std::iota(parent.begin(), parent.end(), 0);
  for (const Face& face : mesh.faces) {
    for (int k = 1; k < 3; ++k) {
      const int a = Root(parent, face[0]), b = Root(parent, face[k]);
      parent[std::max(a, b)] = std::min(a, b);
    }
  }
  std::vector<int> number(mesh.vertices.size(), -1), parts(mesh.faces.size());
  int count = 0;
  for (size_t f = 0; f < mesh.faces.size(); ++f) {
    int& part = number[Root(parent, mesh.faces[f][0])];
    if (part < 0) part = count++;
    parts[f] = part;
  }
  return parts;
}

Mesh WithoutCrumbs(const Mesh& mesh, double diagonal) {
  const std::vector<int> parts = PartsOf(mesh);
  const int count = parts.empty() ? 0 : *std::max_element(parts.begin(), parts.end()) + 1;
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<Vec3f> low(count, Vec3f::Constant(infinity)), high(count, Vec3f::Constant(-infinity));
  for (size_t f = 0; f < mesh.faces.size(); ++f) {
    for (const int32_t v : mesh.faces[f]) {
      low[parts[f]] = low[parts[f]].cwiseMin(mesh.vertices[v]);
      high[parts[f]] = high[parts[f]].cwiseMax(mesh.vertices[v]);
    }
  }
  std::vector<char> keep(mesh.faces.size());
  for (size_t f = 0; f < mesh.faces.size(); ++f)
    keep[f] = (high[parts[f]] - low[parts[f]]).norm() >= diagonal;
  return Submesh(mesh, keep);
}

Mesh Simplified(const Mesh& mesh, int num_faces) {
  if (mesh.num_faces() <= num_faces) return Cleaned(mesh);
  std::vector<unsigned int> indices;
  indices.reserve(3 * mesh.faces.size());
  for (const Face& face : mesh.faces) indices.insert(indices.end(), face.begin(), face.end());
  std::vector<unsigned int> simple(indices.size());
  constexpr float kAnyError = 1;  // relative to the mesh's extent: the budget alone decides
  simple.resize(meshopt_simplify(simple.data(), indices.data(), indices.size(), mesh.vertices[0].data(),
                                 mesh.vertices.size(), sizeof(Vec3f), 3 * static_cast<size_t>(num_faces),
                                 kAnyError, 0, nullptr));
  Mesh result{.vertices = mesh.vertices, .faces = {}, .colors = mesh.colors};
  for (size_t i = 0; i < simple.size(); i += 3) {
    result.faces.push_back({static_cast<int32_t>(simple[i]), static_cast<int32_t>(simple[i + 1]),
                            static_cast<int32_t>(simple[i + 2])});
  }
  return Cleaned(result);
}

Mesh Transformed(const Mesh& mesh, const Mat4& to_from_mesh) {
  Mesh moved = mesh;
  const Mat3 linear = to_from_mesh.topLeftCorner<3, 3>();
  const Vec3 shift = to_from_mesh.topRightCorner<3, 1>();
  for (Vec3f& vertex : moved.vertices) vertex = (linear * vertex.cast<double>() + shift).cast<float>();
  if (linear.determinant() < 0) {
    for (Face& face : moved.faces) std::swap(face[1], face[2]);
  }
  return moved;
}

}  // namespace semfield
