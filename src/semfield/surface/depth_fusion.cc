#include "semfield/surface/depth_fusion.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"
#include "semfield/surface/tsdf_volume.h"

namespace semfield {
namespace {

using Index = TsdfVolume::Index;
constexpr int kSide = TsdfVolume::kSide;
constexpr int kReach = kSide + 1;  // corners of a block's voxels along an axis, with those of the next block

Index Plus(const Index& a, int x, int y, int z) {
  return {a[0] + x, a[1] + y, a[2] + z};
}

// The distances at the corners of a block's voxels; weight 0 where nobody has looked.
struct Corners {
  Corners(const TsdfVolume& volume, const TsdfVolume::Block& block) {
    std::array<int, 8> neighbor;
    for (int n = 0; n < 8; ++n)
      neighbor[n] = volume.Find(Plus(block.origin, n % 2 * kSide, n / 2 % 2 * kSide, n / 4 * kSide));
    for (int z = 0; z < kReach; ++z) {
      for (int y = 0; y < kReach; ++y) {
        for (int x = 0; x < kReach; ++x) {
          const int from = neighbor[(x == kSide) + 2 * (y == kSide) + 4 * (z == kSide)];
          const int place = TsdfVolume::InBlock({x, y, z});
          distance[At(x, y, z)] = from < 0 ? 0 : volume.blocks()[from].distance[place];
          is_known[At(x, y, z)] = from >= 0 && volume.blocks()[from].weight[place] > 0;
        }
      }
    }
  }
  static int At(int x, int y, int z) { return (z * kReach + y) * kReach + x; }

  std::array<float, kReach * kReach * kReach> distance;
  std::array<bool, kReach * kReach * kReach> is_known;
};

bool IsInside(float distance) {
  return distance < 0;
}

// The vertex of a voxel, in voxels from its first corner: the middle of where the zero level crosses its
// edges. False where it does not, or where a corner was never seen.
bool VertexOf(const Corners& corners, int x, int y, int z, Vec3* vertex) {
  float distance[8];
  int inside = 0;
  for (int c = 0; c < 8; ++c) {
    const int at = Corners::At(x + (c & 1), y + (c >> 1 & 1), z + (c >> 2));
    if (!corners.is_known[at]) return false;
    distance[c] = corners.distance[at];
    inside += IsInside(distance[c]);
  }
  if (inside == 0 || inside == 8) return false;
  Vec3 sum = Vec3::Zero();
  int crossings = 0;
  for (int a = 0; a < 8; ++a) {
    for (int axis = 0; axis < 3; ++axis) {
      const int b = a | 1 << axis;
      if (b == a || IsInside(distance[a]) == IsInside(distance[b])) continue;
      Vec3 at(a & 1, a >> 1 & 1, a >> 2);
      at[axis] += distance[a] / (static_cast<double>(distance[a]) - distance[b]);
      sum += at;
      ++crossings;
    }
  }
  // Inside of its voxel, so that no two vertices meet.
  constexpr double kMargin = 0.02;
  *vertex = (sum / crossings).cwiseMax(kMargin).cwiseMin(1 - kMargin);
  return true;
}

struct Net {
  std::vector<std::array<int32_t, TsdfVolume::kBlockSize>> vertex_of;  // [blocks] -1: none
  std::vector<Vec3f> vertices;
};

Net VerticesOf(const TsdfVolume& volume, const JobControl& control) {
  const auto count = static_cast<int64_t>(volume.blocks().size());
  Net net;
  net.vertex_of.resize(count);
  std::vector<std::vector<Vec3f>> own(count);
  ParallelFor(count, [&](int64_t b, int) {
    control.ThrowIfStopped();
    const TsdfVolume::Block& block = volume.blocks()[b];
    const Corners corners(volume, block);
    for (int i = 0; i < TsdfVolume::kBlockSize; ++i) {
      const int x = i % kSide, y = i / kSide % kSide, z = i / (kSide * kSide);
      Vec3 vertex;
      net.vertex_of[b][i] = -1;
      if (!VertexOf(corners, x, y, z, &vertex)) continue;
      net.vertex_of[b][i] = static_cast<int32_t>(own[b].size());
      own[b].push_back((volume.PointOf(Plus(block.origin, x, y, z)) + volume.voxel() * vertex).cast<float>());
    }
  });
  for (int64_t b = 0; b < count; ++b) {
    const auto first = static_cast<int32_t>(net.vertices.size());
    for (int32_t& vertex : net.vertex_of[b]) vertex += vertex < 0 ? 0 : first;
    net.vertices.insert(net.vertices.end(), own[b].begin(), own[b].end());
  }
  return net;
}

// The two triangles of a quad, cut along its shorter diagonal.
void AddQuad(const Net& net, const std::array<int32_t, 4>& quad, std::vector<std::array<int32_t, 3>>* faces) {
  const auto apart = [&](int a, int b) {
    return (net.vertices[quad[a]] - net.vertices[quad[b]]).squaredNorm();
  };
  if (apart(0, 2) <= apart(1, 3)) {
    faces->push_back({quad[0], quad[1], quad[2]});
    faces->push_back({quad[0], quad[2], quad[3]});
  } else {
    faces->push_back({quad[0], quad[1], quad[3]});
    faces->push_back({quad[1], quad[2], quad[3]});
  }
}

// A quad for each edge of the block's own corners that the zero level crosses, between the voxels around it.
void AddFaces(const TsdfVolume& volume, const Net& net, int b, std::vector<std::array<int32_t, 3>>* faces) {
  const TsdfVolume::Block& block = volume.blocks()[b];
  const Corners corners(volume, block);
  for (int i = 0; i < TsdfVolume::kBlockSize; ++i) {
    const Index local = {i % kSide, i / kSide % kSide, i / (kSide * kSide)};
    const int from = Corners::At(local[0], local[1], local[2]);
    for (int axis = 0; axis < 3; ++axis) {
      Index next = local;
      ++next[axis];
      const int to = Corners::At(next[0], next[1], next[2]);
      if (!corners.is_known[from] || !corners.is_known[to]) continue;
      const bool begins_inside = IsInside(corners.distance[from]);
      if (begins_inside == IsInside(corners.distance[to])) continue;
      const int u = (axis + 1) % 3, v = (axis + 2) % 3;
      // Counter-clockwise around the axis.
      constexpr int kBack[4][2] = {{1, 1}, {0, 1}, {0, 0}, {1, 0}};
      std::array<int32_t, 4> quad;
      bool is_whole = true;
      for (int k = 0; k < 4 && is_whole; ++k) {
        Index voxel = {block.origin[0] + local[0], block.origin[1] + local[1], block.origin[2] + local[2]};
        voxel[u] -= kBack[k][0];
        voxel[v] -= kBack[k][1];
        const bool is_own = local[u] >= kBack[k][0] && local[v] >= kBack[k][1];
        const int owner = is_own ? b : volume.Find(voxel);
        quad[k] = owner < 0 ? -1 : net.vertex_of[owner][TsdfVolume::InBlock(voxel)];
        is_whole = quad[k] >= 0;
      }
      if (!is_whole) continue;
      if (!begins_inside) std::swap(quad[1], quad[3]);
      AddQuad(net, quad, faces);
    }
  }
}

}  // namespace

double VoxelFor(std::span<const DepthView> views) {
  return 2 * MedianFootprint(views);
}

Mesh FuseDepths(std::span<const DepthView> views, const FusionOptions& options, const JobControl& control) {
  const double voxel = options.voxel > 0 ? options.voxel : VoxelFor(views);
  SF_CHECK_GT(options.truncation, 0);
  const TsdfVolume volume(views, voxel, options.truncation * voxel, control);
  Net net = VerticesOf(volume, control);
  const auto count = static_cast<int64_t>(volume.blocks().size());
  std::vector<std::vector<std::array<int32_t, 3>>> own(count);
  ParallelFor(count, [&](int64_t b, int) { AddFaces(volume, net, static_cast<int>(b), &own[b]); });
  Mesh mesh{.vertices = std::move(net.vertices), .faces = {}, .colors = {}};
  for (const auto& faces : own) mesh.faces.insert(mesh.faces.end(), faces.begin(), faces.end());
  return Cleaned(mesh);
}

}  // namespace semfield
