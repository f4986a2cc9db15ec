#pragma once

namespace semfield::ops {

// row[i] = 1 / (1 + exp(-row[i])) for i in [0, count), to 1e-6 of itself where that is above 1e-37; NaN stays
// NaN. The row is one of a tile (ops/tile.h): whole blocks of columns are read and written.
void Sigmoid(float* row, int count);

}  // namespace semfield::ops
