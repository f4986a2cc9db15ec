#pragma once

#include <cstdint>
#include <vector>

#include "semfield/base/buffer.h"
#include "semfield/base/random.h"

namespace semfield::ops {

// Where in the unit cube there is something (Instant NGP, appendix on accelerated ray marching): a running
// maximum of density on a resolution^3 grid and one bit a cell derived from it, with a coarse grid (8^3 cells
// a block) for skipping. Cell index = x + resolution * (y + resolution * z).
class OccupancyGrid {
 public:
  // Densities start at 0 and no cell is occupied. resolution: a multiple of 8 in [8, 1024].
  explicit OccupancyGrid(int resolution = 128);

  int resolution() const { return resolution_; }
  size_t num_cells() const { return density_.size(); }
  // Densities in the caller's unit of length (the radiance field's: per half extent of the scene's cube),
  // checkpointed with the field.
  Buffer<float>& density() { return density_; }
  const Buffer<float>& density() const { return density_; }
  // Running mean of the same, 0 before the first look: what a ray loses in a cell on average, where density()
  // is near the most it was seen to hold. Marching stops by it.
  Buffer<float>& mean_density() { return mean_density_; }
  const Buffer<float>& mean_density() const { return mean_density_; }

  // All cells occupied (before training); densities stay.
  void Fill();
  // A random point in each of the listed cells: points[3][count], the structure the field's encoder wants.
  void JitteredPoints(const uint32_t* cells, int64_t count, Random& random, float* x, float* y,
                      float* z) const;
  // density = max(density * decay, new) for the listed cells; NaN counts as nothing. A list in strictly
  // increasing order is shared among threads; any other (a cell twice decays twice) is worked off by the
  // calling thread.
  // mean_density moves kMeanShare of the way to min(new, mean_limit).
  void Blend(const uint32_t* cells, int64_t count, const float* new_density, float decay,
             float mean_limit = 1e30f);
  static constexpr float kMeanShare = 0.2f;
  // Sets the bits: density > threshold(cell), and rebuilds the coarse grid. threshold is one number for
  // bounded scenes; contracted ones pass a per-cell table of resolution^3 or nullptr.
  void Rebuild(float threshold, const float* cell_threshold = nullptr);
  double OccupiedFraction() const;
  // Every stride-th of the occupied cells in increasing order, after `skip` of them; replaces `cells`.
  // stride: 1 or more.
  void ListOccupied(uint32_t stride, uint32_t skip, std::vector<uint32_t>& cells) const;

  bool Occupied(uint32_t cell) const { return (bits_[cell >> 5] >> (cell & 31)) & 1u; }
  const uint32_t* bits() const { return bits_.data(); }
  const uint8_t* coarse() const { return coarse_.data(); }  // [(resolution / 8)^3], nonzero: something inside

  // How far rays may jump. For the block of 4^3 cells around a cell: 0 where something is inside, else c such
  // that all blocks less than c blocks away along each axis are empty (at most 255; outside of the grid all
  // is empty).
  static constexpr int kClearanceShift = 2;
  int Clearance(int x, int y, int z) const {
    const size_t row = clearance_stride_;
    return clearance_[((x >> kClearanceShift) + 1) +
                      row * (((y >> kClearanceShift) + 1) + row * ((z >> kClearanceShift) + 1))];
  }

 private:
  void RebuildCoarseSlab(int slab);  // 8 cells thick along z
  void RebuildClearance();

  int resolution_;
  Buffer<float> density_;
  Buffer<float> mean_density_;
  std::vector<uint32_t> bits_;
  std::vector<uint8_t> coarse_;
  std::vector<uint8_t> clearance_;  // [(resolution / 4 + 2)^3]: blocks with a border of one
  size_t clearance_stride_;
};

}  // namespace semfield::ops
