#pragma once

#include <cstdint>
#include <span>

namespace semfield::ops {

// For each row of `queries`, which row of `rows` has the largest inner product with it (the first of equal
// ones), and that product: best[q] in [0, num_rows), score[q]. All are row-major with `channels` floats a row
// and finite; there is at least one row. Runs in parallel; the answers do not depend on the number of
// threads.
void NearestRows(std::span<const float> queries, std::span<const float> rows, int channels,
                 std::span<int32_t> best, std::span<float> score);

}  // namespace semfield::ops
