#include "semfield/methods/feature_field/token_context.h"

#include <algorithm>

#include "semfield/base/parallel.h"
#include "semfield/ops/tile.h"

namespace semfield {
namespace {

struct Offset {
  int di, dj;
};

int NumOffsets(const TokenContext& context) {
  return 1 + 8 * context.rings;
}

// The token itself, then ring after ring, each from the top left corner row by row.
Offset OffsetAt(int index) {
  if (index == 0) return {0, 0};
  int distance = 1;
  for (int ring = 0; ring < (index - 1) / 8; ++ring) distance *= 3;
  const int place = (index - 1) % 8, of_nine = place < 4 ? place : place + 1;  // the middle is left out
  return {(of_nine / 3 - 1) * distance, (of_nine % 3 - 1) * distance};
}

// Where a token's number stands in a row that is cut into tiles of `rows` rows.
size_t At(int token, int rows, int row) {
  return (static_cast<size_t>(token / ops::kTileColumns) * rows + row) * ops::kTileStride +
         token % ops::kTileColumns;
}

// Calls visit(from, to, first, last) for every token row `to` that sees row `from`: columns [first, last) see
// column + dj.
template <class Visit>
void ForRows(int grid, const Offset& offset, const Visit& visit) {
  const int first = std::max(0, -offset.dj), last = std::min(grid, grid - offset.dj);
  for (int to = 0; to < grid; ++to) {
    const int from = to + offset.di;
    if (from >= 0 && from < grid) visit(from, to, first, last);
  }
}

}  // namespace

void GatherContext(const TokenContext& context, const float* features, int out_rows, float* out) {
  ParallelFor(static_cast<int64_t>(NumOffsets(context)) * context.features, [&](int64_t row, int) {
    const int feature = static_cast<int>(row % context.features);
    const Offset offset = OffsetAt(static_cast<int>(row / context.features));
    const int tokens = context.grid * context.grid;
    for (int token = 0; token < tokens; token += ops::kTileColumns) {
      std::fill_n(out + At(token, out_rows, static_cast<int>(row)),
                  std::min(ops::kTileColumns, tokens - token), 0.0f);
    }
    ForRows(context.grid, offset, [&](int from, int to, int first, int last) {
      // Runs that lie in one tile, here and there.
      for (int j = first, run = 0; j < last; j += run) {
        const int at = to * context.grid + j, source = from * context.grid + j + offset.dj;
        run = std::min({last - j, ops::kTileColumns - at % ops::kTileColumns,
                        ops::kTileColumns - source % ops::kTileColumns});
        std::copy_n(features + At(source, context.features, feature), run,
                    out + At(at, out_rows, static_cast<int>(row)));
      }
    });
  });
}

void ScatterContext(const TokenContext& context, const float* d_out, int out_rows, float* d_features) {
  ParallelFor(context.features, [&](int64_t row, int) {
    const int feature = static_cast<int>(row);
    for (int token = 0; token < context.grid * context.grid; ++token) {
      d_features[At(token, context.features, feature)] = 0;
    }
    for (int o = 0; o < NumOffsets(context); ++o) {
      const int d_row = o * context.features + feature;
      const Offset offset = OffsetAt(o);
      ForRows(context.grid, offset, [&](int from, int to, int first, int last) {
        for (int j = first; j < last; ++j) {
          d_features[At(from * context.grid + j + offset.dj, context.features, feature)] +=
              d_out[At(to * context.grid + j, out_rows, d_row)];
        }
      });
    }
  });
}

}  // namespace semfield
