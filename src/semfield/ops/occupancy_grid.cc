#include "semfield/ops/occupancy_grid.h"

#include <algorithm>
#include <bit>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"

namespace semfield::ops {
namespace {

constexpr int kBlock = 8;
constexpr int64_t kBlendChunk = 16384;
constexpr uint8_t kUnlimited = 255;

bool StrictlyIncreasing(const uint32_t* cells, int64_t count) {
  for (int64_t i = 1; i < count; ++i) {
    if (cells[i] <= cells[i - 1]) return false;
  }
  return true;
}

// row[x] = min(row[x], 1 + other[x - 1 .. x + 1]), saturating.
void Relax(uint8_t* row, const uint8_t* other, size_t count) {
  for (size_t x = 0; x < count; ++x) {
    const uint8_t nearest = std::min({other[x - 1], other[x], other[x + 1]});
    row[x] = std::min<uint8_t>(row[x], std::min<uint8_t>(nearest, kUnlimited - 1) + 1);
  }
}

// One bit a cell for 32 cells. Eight partial words instead of one: a single word would be a chain of 32
// dependent ORs.
template <class AboveThreshold>
uint32_t GatherBits(AboveThreshold above) {
  uint32_t word = 0;
  for (int group = 0; group < 32; group += 8) {
    uint32_t part = 0;
    for (int i = 0; i < 8; ++i) part |= static_cast<uint32_t>(above(group + i)) << i;
    word |= part << group;
  }
  return word;
}

}  // namespace

OccupancyGrid::OccupancyGrid(int resolution) : resolution_(resolution) {
  SF_CHECK_GE(resolution, kBlock);
  SF_CHECK_LE(resolution, 1024);
  SF_CHECK_EQ(resolution % kBlock, 0);
  const size_t cells = static_cast<size_t>(resolution) * resolution * resolution;
  const size_t blocks = cells / (kBlock * kBlock * kBlock);
  density_.Resize(cells);
  mean_density_.Resize(cells);
  bits_.assign(cells / 32, 0);
  coarse_.assign(blocks, 0);
  clearance_stride_ = (static_cast<size_t>(resolution) >> kClearanceShift) + 2;
  clearance_.assign(clearance_stride_ * clearance_stride_ * clearance_stride_, kUnlimited);
}

void OccupancyGrid::Fill() {
  std::fill(bits_.begin(), bits_.end(), 0xffffffffu);
  std::fill(coarse_.begin(), coarse_.end(), uint8_t{1});
  RebuildClearance();
}

void OccupancyGrid::JitteredPoints(const uint32_t* cells, int64_t count, Random& random, float* x, float* y,
                                   float* z) const {
  const uint32_t n = static_cast<uint32_t>(resolution_);
  const float size = 1.0f / static_cast<float>(n);
  // A hair less than 1, so that cell + share cannot round up into the next cell.
  constexpr float kShare = 1.0f - 0x1p-12f;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t cell = cells[i];
    const uint32_t row = cell / n;
    x[i] = (static_cast<float>(cell % n) + kShare * random.Uniform()) * size;
    y[i] = (static_cast<float>(row % n) + kShare * random.Uniform()) * size;
    z[i] = (static_cast<float>(row / n) + kShare * random.Uniform()) * size;
  }
}

void OccupancyGrid::Blend(const uint32_t* cells, int64_t count, const float* new_density, float decay,
                          float mean_limit) {
  const auto blend = [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      float& density = density_[cells[i]];
      density = std::max(density * decay, new_density[i]);  // a NaN in new_density changes nothing
      float& mean = mean_density_[cells[i]];
      if (new_density[i] >= 0) mean += kMeanShare * (std::min(new_density[i], mean_limit) - mean);
    }
  };
  // A cell listed twice belongs to two chunks perhaps: then only one thread may work.
  if (count <= kBlendChunk || !StrictlyIncreasing(cells, count)) return blend(0, count, 0);
  ParallelChunks(count, kBlendChunk, blend);
}

void OccupancyGrid::Rebuild(float threshold, const float* cell_threshold) {
  const int blocks = resolution_ / kBlock;
  const size_t words_per_slab = static_cast<size_t>(resolution_) * resolution_ * kBlock / 32;
  ParallelFor(blocks, [&](int64_t slab, int) {
    const size_t first_word = slab * words_per_slab;
    for (size_t word = first_word; word < first_word + words_per_slab; ++word) {
      const float* density = density_.data() + 32 * word;
      if (cell_threshold != nullptr) {
        const float* limit = cell_threshold + 32 * word;
        bits_[word] = GatherBits([&](int i) { return density[i] > limit[i]; });
      } else {
        bits_[word] = GatherBits([&](int i) { return density[i] > threshold; });
      }
    }
    RebuildCoarseSlab(static_cast<int>(slab));
  });
  RebuildClearance();
}

void OccupancyGrid::RebuildCoarseSlab(int slab) {
  static_assert(std::endian::native == std::endian::little, "a byte of bits_ must hold 8 cells along x");
  const size_t blocks = resolution_ / kBlock;
  const uint8_t* rows = reinterpret_cast<const uint8_t*>(bits_.data());  // [z][y][blocks]
  uint8_t* coarse = coarse_.data() + slab * blocks * blocks;
  std::fill(coarse, coarse + blocks * blocks, uint8_t{0});
  for (size_t z = 0; z < kBlock; ++z) {
    for (size_t y = 0; y < static_cast<size_t>(resolution_); ++y) {
      const uint8_t* row = rows + ((slab * kBlock + z) * resolution_ + y) * blocks;
      uint8_t* out = coarse + (y / kBlock) * blocks;
      for (size_t x = 0; x < blocks; ++x) out[x] |= row[x];
    }
  }
}

// The chessboard distance transform in two sweeps (Rosenfeld and Pfaltz 1968), exact for this metric.
void OccupancyGrid::RebuildClearance() {
  const size_t stride = clearance_stride_, blocks = stride - 2;
  const uint8_t* rows = reinterpret_cast<const uint8_t*>(bits_.data());
  const size_t row_bytes = resolution_ / 8;
  const auto row_of = [&](size_t y, size_t z) {
    return clearance_.data() + 1 + stride * (y + 1 + stride * (z + 1));
  };
  const auto step = [](uint8_t d) { return static_cast<uint8_t>(std::min<int>(d + 1, kUnlimited)); };
  for (size_t z = 0; z < blocks; ++z) {
    for (size_t y = 0; y < blocks; ++y) {
      uint8_t* row = row_of(y, z);
      for (size_t pair = 0; pair < row_bytes; ++pair) {  // a byte is two blocks' rows of 4 cells
        uint8_t any = 0;
        for (size_t i = 0; i < 16; ++i)
          any |= rows[((4 * z + i / 4) * resolution_ + 4 * y + i % 4) * row_bytes + pair];
        row[2 * pair] = (any & 0x0f) != 0 ? 0 : kUnlimited;
        row[2 * pair + 1] = (any & 0xf0) != 0 ? 0 : kUnlimited;
      }
      for (int dy = -1; dy <= 1; ++dy)
        Relax(row, row - static_cast<ptrdiff_t>(stride * stride) + dy * static_cast<ptrdiff_t>(stride),
              blocks);
      Relax(row, row - stride, blocks);
      for (size_t x = 1; x < blocks; ++x) row[x] = std::min(row[x], step(row[x - 1]));
    }
  }
  for (size_t z = blocks; z-- > 0;) {
    for (size_t y = blocks; y-- > 0;) {
      uint8_t* row = row_of(y, z);
      for (int dy = -1; dy <= 1; ++dy)
        Relax(row, row + stride * stride + dy * static_cast<ptrdiff_t>(stride), blocks);
      Relax(row, row + stride, blocks);
      for (size_t x = blocks - 1; x-- > 0;) row[x] = std::min(row[x], step(row[x + 1]));
    }
  }
}

double OccupancyGrid::OccupiedFraction() const {
  size_t occupied = 0;
  for (const uint32_t word : bits_) occupied += std::popcount(word);
  return static_cast<double>(occupied) / static_cast<double>(num_cells());
}

void OccupancyGrid::ListOccupied(uint32_t stride, uint32_t skip, std::vector<uint32_t>& cells) const {
  SF_CHECK_GE(stride, 1u);
  cells.clear();
  for (uint32_t word = 0; word < bits_.size(); ++word) {
    uint32_t bits = bits_[word];
    const auto occupied = static_cast<uint32_t>(std::popcount(bits));
    if (occupied <= skip) {
      skip -= occupied;
      continue;
    }
    for (; bits != 0; bits &= bits - 1) {
      if (skip-- > 0) continue;
      cells.push_back(32 * word + static_cast<uint32_t>(std::countr_zero(bits)));
      skip = stride - 1;
    }
  }
}

}  // namespace semfield::ops
