#pragma once

#include <cstdint>
#include <span>

namespace semfield::ops {

// Plain loops in doubles; the contract of NearestRows.
void NearestRowsReference(std::span<const float> queries, std::span<const float> rows, int channels,
                          std::span<int32_t> best, std::span<float> score);

}  // namespace semfield::ops
