#pragma once

#include <cstdint>
#include <vector>

namespace semfield::ops {

// The equations of compositing.h in double precision and the plainest loops, for tests. One ray at a time.
struct CompositedRay {
  std::vector<double> weight;
  std::vector<double> transmittance;  // behind each sample
  int32_t kept = 0;
  double final_transmittance = 1;
};

CompositedRay CompositeReference(const std::vector<double>& raw_density, const std::vector<double>& dt,
                                 double min_transmittance);

// dL/d raw_density from dL/d weight and dL/d final_transmittance, by the sum over all pairs of samples.
std::vector<double> CompositeBackwardReference(const std::vector<double>& raw_density,
                                               const std::vector<double>& dt, const CompositedRay& ray,
                                               const std::vector<double>& d_weight,
                                               double d_final_transmittance);

// sum_i w_i c_i of one channel.
double CompositeChannelReference(const std::vector<double>& weight, const std::vector<double>& channel);

// Mip-NeRF 360 Eq. 15 as the double sum; derivative: [size of weight].
double DistortionReference(const std::vector<double>& weight, const std::vector<double>& s,
                           const std::vector<double>& ds);
std::vector<double> DistortionBackwardReference(const std::vector<double>& weight,
                                                const std::vector<double>& s, const std::vector<double>& ds);

}  // namespace semfield::ops
