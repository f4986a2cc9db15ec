#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/geometry/types.h"
#include "semfield/surface/surface_map.h"

namespace semfield {

// Truncated signed distances on the corners of voxels, in blocks that exist only around what views see.
class TsdfVolume {
 public:
  static constexpr int kSide = 8;  // voxels of a block
  static constexpr int kBlockSize = kSide * kSide * kSide;
  using Index = std::array<int32_t, 3>;

  struct Block {
    Index origin;                            // of its first voxel, in voxels
    std::array<float, kBlockSize> distance;  // in units of the truncation, > 0: before the surface
    std::array<float, kBlockSize> weight;    // 0: never seen
  };

  // voxel, truncation: world units. Makes the blocks that depths pass through and averages what all views
  // say.
  TsdfVolume(std::span<const DepthView> views, double voxel, double truncation, const JobControl& control);

  double voxel() const { return voxel_; }
  const std::vector<Block>& blocks() const { return blocks_; }
  // Of the block that holds a voxel; -1: none.
  int Find(const Index& index) const;
  static int InBlock(const Index& index);  // a voxel's place in its block
  Vec3 PointOf(const Index& index) const { return voxel_ * Vec3(index[0], index[1], index[2]) + origin_; }

 private:
  void Allocate(std::span<const DepthView> views, const JobControl& control);
  void Integrate(std::span<const DepthView> views, const JobControl& control);

  const double voxel_, truncation_;
  Vec3 origin_ = Vec3::Zero();
  std::vector<uint64_t> keys_;  // of blocks, increasing
  std::vector<Block> blocks_;
};

}  // namespace semfield
