#include "semfield/ops/adam_reference.h"

#include <algorithm>
#include <cmath>

namespace semfield::ops::reference {

void AdamStep(const AdamOptions& options, size_t count, const AdamArrays& arrays) {
  const auto& [parameters, first_moment, second_moment, gradient, shadow] = arrays;
  const double beta1 = options.beta1;
  const double beta2 = options.beta2;
  for (size_t begin = 0; begin < count; begin += 16) {
    const size_t end = std::min(begin + 16, count);
    if (options.sparse && std::all_of(gradient + begin, gradient + end, [](float g) { return g == 0; }))
      continue;
    for (size_t i = begin; i < end; ++i) {
      const double g = gradient[i] + static_cast<double>(options.l2) * parameters[i];
      const double m = beta1 * first_moment[i] + (1 - beta1) * g;
      const double v = beta2 * second_moment[i] + (1 - beta2) * g * g;
      const double m_hat = m / (1 - std::pow(beta1, options.step));
      const double v_hat = v / (1 - std::pow(beta2, options.step));
      first_moment[i] = static_cast<float>(m);
      second_moment[i] = static_cast<float>(v);
      parameters[i] = static_cast<float>(parameters[i] - options.learning_rate * m_hat /
                                                             (std::sqrt(v_hat) + options.epsilon));
      if (shadow != nullptr) shadow[i] = FloatToHalf(parameters[i]);
      gradient[i] = 0;
    }
  }
}

}  // namespace semfield::ops::reference
