#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace semfield {

// The mean of the two middle ones for an even count; 0 of nothing.
inline double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const size_t middle = values.size() / 2;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(middle);
  std::nth_element(values.begin(), at, values.end());
  return values.size() % 2 == 1 ? *at : 0.5 * (*std::max_element(values.begin(), at) + *at);
}

}  // namespace semfield
