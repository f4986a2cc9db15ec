#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <Eigen/Core>

#include "semfield/geometry/types.h"

namespace semfield {

using Vec3f = Eigen::Vector3f;

// Triangles over shared vertices. A face's vertices go round counter-clockwise for whoever looks at its
// front.
struct Mesh {
  std::vector<Vec3f> vertices;                 // in the frame and units that the owner says
  std::vector<std::array<int32_t, 3>> faces;   // into vertices
  std::vector<std::array<uint8_t, 3>> colors;  // [vertices] sRGB; empty: none

  int num_vertices() const { return static_cast<int>(vertices.size()); }
  int num_faces() const { return static_cast<int>(faces.size()); }
  // Twice the area, along the front's normal.
  Vec3 Cross(int face) const;
  Vec3 Centroid(int face) const;
};

// What a mesh that goes to other programs must have none of.
struct MeshDefects {
  int degenerate_faces = 0;  // two equal vertices, or no area
  int repeated_faces = 0;    // of the same three vertices as an earlier one
  int not_finite = 0;        // vertices
  int unreferenced = 0;      // vertices of no face
  int out_of_range = 0;      // faces with an index that is no vertex
  int one_way_edges = 0;  // passed by two faces more in one direction than in the other: one is turned over
  bool None() const;
};
MeshDefects DefectsOf(const Mesh& mesh);

double AreaOf(const Mesh& mesh);
// All zero of an empty mesh.
Box3 BoundsOf(const Mesh& mesh);
// Unit, weighted by the areas of the faces around; (0, 0, 1) where they cancel.
std::vector<Vec3f> VertexNormals(const Mesh& mesh);

// The same of a mesh whose vertices are repeated: those of one place have one normal.
std::vector<Vec3f> WeldedNormals(const Mesh& mesh);
// Vertices of one place become one, with the color of one of them. number: [vertices] which each became.
Mesh Welded(const Mesh& mesh, std::vector<int32_t>* number);

// The faces for which keep[face] is nonzero, with the vertices that they need.
Mesh Submesh(const Mesh& mesh, const std::vector<char>& keep);
// Without degenerate and repeated faces, faces that make an edge one-way, and unreferenced vertices.
Mesh Cleaned(const Mesh& mesh);
// The number of the connected part that each face belongs to: [faces], parts numbered by their first face.
// Faces hang together by a vertex that they share.
std::vector<int> PartsOf(const Mesh& mesh);
// Without the connected parts whose bounds have a diagonal under `diagonal`.
Mesh WithoutCrumbs(const Mesh& mesh, double diagonal);
// At most about num_faces faces, by collapsing edges (quadric error, Garland and Heckbert 1997). The vertices
// that stay keep their places and colors. A mesh that has no more faces is only cleaned.
Mesh Simplified(const Mesh& mesh, int num_faces);
// Each vertex moved by an affine map; one that mirrors also turns the faces over.
Mesh Transformed(const Mesh& mesh, const Mat4& to_from_mesh);

}  // namespace semfield
