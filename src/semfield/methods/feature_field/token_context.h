#pragma once

#include "semfield/base/buffer.h"

namespace semfield {

// A teacher's token depends on the tokens around it, which a head that works on one ray cannot see. With
// rings > 0 the head is given, beside a token's own composited features, those of eight tokens around it at
// distances 1, 3, 9, ...: its first layer then is a (dilated) 3x3 convolution over the token grid. Not in the
// paper. Beyond the border: zero.
struct TokenContext {
  int grid = 64;      // tokens a side
  int features = 32;  // rows of one token's own features
  int rings = 0;

  int rows() const { return features * (1 + 8 * rings); }
};

// Rows lie in tiles of kTileColumns tokens (ops/tile.h): [tile][row][kTileStride]. `features` has
// context.features rows a tile, `out` has out_rows >= context.rows(), of which the first context.rows() are
// written, own features first.
void GatherContext(const TokenContext& context, const float* features, int out_rows, float* out);

// The transpose: d_features <- the sum of what each feature gave to d_out. Sums in a fixed order.
void ScatterContext(const TokenContext& context, const float* d_out, int out_rows, float* d_features);

}  // namespace semfield
