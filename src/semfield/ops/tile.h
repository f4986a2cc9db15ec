#pragma once

#include <cstddef>

namespace semfield::ops {

// Kernels work on tiles: matrices with one channel a row and one sample a column,
//   value(channel, column) = data[channel * stride + column],
// in 64-byte aligned memory. Columns beyond the count up to the next multiple of kColumnBlock are computed
// too (they must be readable and writable) but mean nothing. With kTileStride the rows of a tile do not share
// L1 sets, which a power of two would make them do.
inline constexpr int kColumnBlock = 16;
inline constexpr int kTileColumns = 1024;
inline constexpr int kTileStride = kTileColumns + 32;

// The columns that are computed for so many that count.
constexpr int PaddedColumns(int num_columns) {
  return (num_columns + kColumnBlock - 1) / kColumnBlock * kColumnBlock;
}

}  // namespace semfield::ops
