#include "semfield/surface/mesh_closing.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace semfield {
namespace {

using Ring = std::vector<int32_t>;

// Edges that no other face passes the other way, [from] -> to.
std::multimap<int32_t, int32_t> BorderEdges(const Mesh& mesh) {
  std::map<std::pair<int32_t, int32_t>, int> passed;  // low, high -> times upwards less times downwards
  for (const auto& face : mesh.faces) {
    for (int k = 0; k < 3; ++k) {
      const int32_t a = face[k], b = face[(k + 1) % 3];
      passed[{std::min(a, b), std::max(a, b)}] += a < b ? 1 : -1;
    }
  }
  std::multimap<int32_t, int32_t> edges;
  for (const auto& [edge, balance] : passed) {
    for (int i = 0; i < balance; ++i) edges.emplace(edge.first, edge.second);
    for (int i = 0; i > balance; --i) edges.emplace(edge.second, edge.first);
  }
  return edges;
}

double DiagonalOf(const Mesh& mesh, const Ring& ring) {
  Vec3f low = mesh.vertices[ring[0]], high = low;
  for (const int32_t v : ring) {
    low = low.cwiseMin(mesh.vertices[v]);
    high = high.cwiseMax(mesh.vertices[v]);
  }
  return (high - low).norm();
}

int32_t AddVertex(const Vec3& place, const std::array<double, 3>& color, Mesh* mesh) {
  mesh->vertices.push_back(place.cast<float>());
  if (!mesh->colors.empty()) {
    std::array<uint8_t, 3> rounded;
    for (int k = 0; k < 3; ++k) rounded[k] = static_cast<uint8_t>(std::clamp(color[k] + 0.5, 0.0, 255.0));
    mesh->colors.push_back(rounded);
  }
  return mesh->num_vertices() - 1;
}

std::array<double, 3> ColorAt(const Mesh& mesh, int32_t vertex) {
  if (mesh.colors.empty()) return {};
  const auto& c = mesh.colors[vertex];
  return {static_cast<double>(c[0]), static_cast<double>(c[1]), static_cast<double>(c[2])};
}

// Faces from every edge of a ring to its middle, on the ring's other side.
void Fill(const Ring& ring, Mesh* mesh) {
  if (ring.size() == 3) {
    mesh->faces.push_back({ring[0], ring[2], ring[1]});
    return;
  }
  Vec3 middle = Vec3::Zero();
  std::array<double, 3> color = {};
  for (const int32_t v : ring) {
    middle += mesh->vertices[v].cast<double>() / static_cast<double>(ring.size());
    for (int k = 0; k < 3; ++k) color[k] += ColorAt(*mesh, v)[k] / static_cast<double>(ring.size());
  }
  const int32_t center = AddVertex(middle, color, mesh);
  for (size_t i = 0; i < ring.size(); ++i)
    mesh->faces.push_back({ring[(i + 1) % ring.size()], ring[i], center});
}

// The ring let down to a height; its image there, in the same direction.
Ring Lower(const Ring& ring, const Vec3& up, double height, Mesh* mesh) {
  Ring lowered;
  for (const int32_t v : ring) {
    const Vec3 place = mesh->vertices[v].cast<double>();
    lowered.push_back(AddVertex(place + (height - place.dot(up)) * up, ColorAt(*mesh, v), mesh));
  }
  for (size_t i = 0; i < ring.size(); ++i) {
    const size_t next = (i + 1) % ring.size();
    mesh->faces.push_back({ring[next], ring[i], lowered[i]});
    mesh->faces.push_back({ring[next], lowered[i], lowered[next]});
  }
  return lowered;
}

}  // namespace

// At every vertex as many border edges begin as end, so that whoever walks on comes back.
std::vector<Ring> BorderRings(const Mesh& mesh) {
  std::multimap<int32_t, int32_t> edges = BorderEdges(mesh);
  std::vector<Ring> rings;
  while (!edges.empty()) {
    Ring walk;
    int32_t at = edges.begin()->first;
    for (auto edge = edges.find(at); edge != edges.end(); edge = edges.find(at)) {
      walk.push_back(at);
      at = edge->second;
      edges.erase(edge);
      // Where the walk meets itself it has closed a ring.
      const auto met = std::find(walk.begin(), walk.end(), at);
      if (met == walk.end()) continue;
      if (walk.end() - met > 2) rings.emplace_back(met, walk.end());
      walk.erase(met, walk.end());
    }
  }
  return rings;
}

Mesh Closed(const Mesh& mesh, const Vec3& up, double narrow) {
  if (mesh.faces.empty()) return mesh;
  constexpr double kUnder = 0.002;  // of the mesh's height: no face of the curtain is without area
  double lowest = 1e300, highest = -1e300;
  for (const Vec3f& vertex : mesh.vertices) {
    lowest = std::min(lowest, vertex.cast<double>().dot(up));
    highest = std::max(highest, vertex.cast<double>().dot(up));
  }
  const double height = lowest - kUnder * std::max(highest - lowest, narrow);
  Mesh closed = mesh;
  for (const Ring& ring : BorderRings(mesh))
    Fill(DiagonalOf(mesh, ring) < narrow ? ring : Lower(ring, up, height, &closed), &closed);
  return closed;
}

}  // namespace semfield
