#pragma once

#include <cstdint>
#include <vector>

#include "semfield/surface/mesh.h"

namespace semfield {

// The borders of a mesh as rings of vertices, in the direction of the faces beside them.
std::vector<std::vector<int32_t>> BorderRings(const Mesh& mesh);

// The mesh closed. Rings narrower than `narrow` are holes of a surface that views saw in part: each is filled
// from its middle. The others are where the mesh was cut from what it stands on or leans against: from each a
// curtain falls along -up to just under the lowest vertex, and a bottom is put in there. New vertices take
// the colors of the ring. No border is left; what was there stays as it was.
Mesh Closed(const Mesh& mesh, const Vec3& up, double narrow);

}  // namespace semfield
