#include "semfield/ops/compositing_reference.h"

#include <algorithm>
#include <cmath>

namespace semfield::ops {

CompositedRay CompositeReference(const std::vector<double>& raw_density, const std::vector<double>& dt,
                                 double min_transmittance) {
  CompositedRay ray;
  for (size_t i = 0; i < dt.size(); ++i) {
    if (ray.final_transmittance < min_transmittance) {
      ray.weight.push_back(0);
    } else {
      const double tau = std::exp(std::min(raw_density[i], 15.0)) * dt[i];
      ray.weight.push_back(ray.final_transmittance * -std::expm1(-tau));
      ray.final_transmittance *= std::exp(-tau);
      ++ray.kept;
    }
    ray.transmittance.push_back(ray.final_transmittance);
  }
  return ray;
}

std::vector<double> CompositeBackwardReference(const std::vector<double>& raw_density,
                                               const std::vector<double>& dt, const CompositedRay& ray,
                                               const std::vector<double>& d_weight,
                                               double d_final_transmittance) {
  std::vector<double> result(dt.size(), 0.0);
  for (int i = 0; i < ray.kept; ++i) {
    double d_tau = ray.transmittance[i] * d_weight[i] - ray.final_transmittance * d_final_transmittance;
    for (int j = i + 1; j < ray.kept; ++j) d_tau -= ray.weight[j] * d_weight[j];
    result[i] = d_tau * dt[i] * std::exp(std::clamp(raw_density[i], -15.0, 15.0));
  }
  return result;
}

double CompositeChannelReference(const std::vector<double>& weight, const std::vector<double>& channel) {
  double sum = 0;
  for (size_t i = 0; i < weight.size(); ++i) sum += weight[i] * channel[i];
  return sum;
}

double DistortionReference(const std::vector<double>& weight, const std::vector<double>& s,
                           const std::vector<double>& ds) {
  double sum = 0;
  for (size_t i = 0; i < weight.size(); ++i) {
    for (size_t j = 0; j < weight.size(); ++j) sum += weight[i] * weight[j] * std::abs(s[i] - s[j]);
    sum += weight[i] * weight[i] * ds[i] / 3;
  }
  return sum;
}

std::vector<double> DistortionBackwardReference(const std::vector<double>& weight,
                                                const std::vector<double>& s, const std::vector<double>& ds) {
  std::vector<double> result(weight.size(), 0.0);
  for (size_t i = 0; i < weight.size(); ++i) {
    for (size_t j = 0; j < weight.size(); ++j) result[i] += 2 * weight[j] * std::abs(s[i] - s[j]);
    result[i] += 2 * weight[i] * ds[i] / 3;
  }
  return result;
}

}  // namespace semfield::ops
