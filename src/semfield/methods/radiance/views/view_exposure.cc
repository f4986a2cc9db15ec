#include "semfield/methods/radiance/views/view_exposure.h"

#include <algorithm>
#include <utility>

namespace semfield {

ViewExposure::ViewExposure(size_t num_views, std::vector<int> views, double penalty)
    : ViewTerm("exposure", num_views, std::move(views)), penalty_(penalty) {}

ColorMap ViewExposure::map(int view) const {
  ColorMap map;
  if (!enabled()) return map;
  std::copy_n(of(view), 3, map.log_gain);
  std::copy_n(of(view) + 3, 3, map.offset);
  return map;
}

void ViewExposure::Update(std::span<const int> view_of_ray, std::span<const float> d_maps,
                          float learning_rate, int step) {
  for (size_t r = 0; r < view_of_ray.size(); ++r) {
    float* gradient = block_.gradient.data() + static_cast<size_t>(view_of_ray[r]) * kStride;
    for (int k = 0; k < kNumbers; ++k) gradient[k] += d_maps[kNumbers * r + k];
  }
  const float pull = static_cast<float>(2 * penalty_ / static_cast<double>(views().size()));
  for (const int view : views()) {
    float* gradient = block_.gradient.data() + static_cast<size_t>(view) * kStride;
    for (int k = 0; k < kNumbers; ++k) gradient[k] += pull * of(view)[k];
  }
  block_.Step({.learning_rate = learning_rate, .step = step, .sparse = true});
  Center();
}

void ViewExposure::Center() {
  for (int k = 0; k < kNumbers; ++k) {
    double sum = 0;
    for (const int view : views()) sum += of(view)[k];
    const float mean = static_cast<float>(sum / static_cast<double>(views().size()));
    for (const int view : views()) of(view)[k] -= mean;
  }
}

}  // namespace semfield
