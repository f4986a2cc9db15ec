#include "semfield/evaluation/part_iou.h"

#include "semfield/base/check.h"
#include "semfield/views/feature_matching.h"

namespace semfield {

std::optional<double> MeanPartIou(std::span<const uint8_t> answer, std::span<const uint8_t> truth,
                                  std::span<const uint8_t> source_parts, bool only_parts) {
  SF_CHECK_EQ(answer.size(), truth.size());
  int64_t both[256] = {}, answered[256] = {}, true_places[256] = {}, in_source[256] = {};
  for (const uint8_t part : source_parts) ++in_source[part];
  for (size_t i = 0; i < truth.size(); ++i) {
    ++true_places[truth[i]];
    if (only_parts && truth[i] == 0) continue;
    ++answered[answer[i]];
    both[truth[i]] += answer[i] == truth[i];
  }
  double sum = 0;
  int count = 0;
  for (int part = 1; part < kNoPart; ++part) {
    if (true_places[part] == 0 || in_source[part] == 0) continue;
    sum += static_cast<double>(both[part]) /
           static_cast<double>(true_places[part] + answered[part] - both[part]);
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

}  // namespace semfield
