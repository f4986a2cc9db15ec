#include "semfield/ops/nearest_rows_reference.h"

#include <cstddef>

namespace semfield::ops {

void NearestRowsReference(std::span<const float> queries, std::span<const float> rows, int channels,
                          std::span<int32_t> best, std::span<float> score) {
  const size_t num_rows = rows.size() / channels;
  for (size_t q = 0; q < best.size(); ++q) {
    double largest = 0;
    for (size_t r = 0; r < num_rows; ++r) {
      double product = 0;
      for (int c = 0; c < channels; ++c)
        product += static_cast<double>(queries[q * channels + c]) * rows[r * channels + c];
      if (r > 0 && product <= largest) continue;
      largest = product;
      best[q] = static_cast<int32_t>(r);
    }
    score[q] = static_cast<float>(largest);
  }
}

}  // namespace semfield::ops
