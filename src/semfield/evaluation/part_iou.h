#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace semfield {

// IoU of each part that both sources and truth show, averaged over these parts; none where they share none.
// Places of no part in truth do not count with `only_parts` (the paper's rule). answer, truth: [places].
std::optional<double> MeanPartIou(std::span<const uint8_t> answer, std::span<const uint8_t> truth,
                                  std::span<const uint8_t> source_parts, bool only_parts);

}  // namespace semfield
