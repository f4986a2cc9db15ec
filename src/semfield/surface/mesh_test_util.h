#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

#include "semfield/surface/mesh.h"

namespace semfield {

// A color that tells where it is: each coordinate from -1 to 1 as 0 to 255.
inline std::array<uint8_t, 3> ColorOf(const Vec3f& place) {
  std::array<uint8_t, 3> color;
  for (int k = 0; k < 3; ++k)
    color[k] = static_cast<uint8_t>(std::lround(255 * std::clamp(0.5f + 0.5f * place[k], 0.0f, 1.0f)));
  return color;
}

// A closed box of 12 faces with its fronts outwards.
inline Mesh BoxMesh(const Vec3& low, const Vec3& high) {
  Mesh mesh;
  for (int c = 0; c < 8; ++c) {
    mesh.vertices.push_back(
        Vec3(c & 1 ? high.x() : low.x(), c & 2 ? high.y() : low.y(), c & 4 ? high.z() : low.z())
            .cast<float>());
    mesh.colors.push_back(ColorOf(mesh.vertices.back()));
  }
  constexpr int kQuads[6][4] = {{0, 2, 3, 1}, {4, 5, 7, 6}, {0, 1, 5, 4},
                                {2, 6, 7, 3}, {0, 4, 6, 2}, {1, 3, 7, 5}};
  for (const auto& q : kQuads) {
    mesh.faces.push_back({q[0], q[1], q[2]});
    mesh.faces.push_back({q[0], q[2], q[3]});
  }
  return mesh;
}

// A sphere around the origin, of rings and segments, its fronts outwards.
inline Mesh SphereMesh(double radius, int rings, int segments) {
  Mesh mesh;
  const auto add = [&](double polar, double around) {
    const Vec3 place(std::sin(polar) * std::cos(around), std::sin(polar) * std::sin(around), std::cos(polar));
    mesh.vertices.push_back((radius * place).cast<float>());
    mesh.colors.push_back(ColorOf(mesh.vertices.back()));
  };
  add(0, 0);
  for (int r = 1; r < rings; ++r) {
    for (int s = 0; s < segments; ++s) add(std::numbers::pi * r / rings, 2 * std::numbers::pi * s / segments);
  }
  add(std::numbers::pi, 0);
  const auto at = [&](int r, int s) { return 1 + (r - 1) * segments + s % segments; };
  const int last = mesh.num_vertices() - 1;
  for (int s = 0; s < segments; ++s) {
    mesh.faces.push_back({0, at(1, s), at(1, s + 1)});
    mesh.faces.push_back({last, at(rings - 1, s + 1), at(rings - 1, s)});
    for (int r = 1; r + 1 < rings; ++r) {
      mesh.faces.push_back({at(r, s), at(r + 1, s), at(r + 1, s + 1)});
      mesh.faces.push_back({at(r, s), at(r + 1, s + 1), at(r, s + 1)});
    }
  }
  return mesh;
}

inline void Append(const Mesh& from, Mesh* to) {
  const int first = to->num_vertices();
  to->vertices.insert(to->vertices.end(), from.vertices.begin(), from.vertices.end());
  to->colors.insert(to->colors.end(), from.colors.begin(), from.colors.end());
  for (const auto& face : from.faces)
    to->faces.push_back({face[0] + first, face[1] + first, face[2] + first});
}

}  // namespace semfield
