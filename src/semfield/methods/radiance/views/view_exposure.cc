#include "semfield/methods/radiance/views/view_exposure.h"

#include <algorithm>
#include <cmath>

#include "semfield/ops/adam.h"

namespace semfield {
namespace {

constexpr int kNumbers = 6;

}  // namespace

ViewExposure::ViewExposure(size_t num_views, std::vector<int> views, double penalty)
    : views_(std::move(views)), penalty_(penalty) {
  for (Buffer<float>* buffer : {&maps_, &gradient_, &first_, &second_}) buffer->Resize(num_views * kStride);
}

void ViewExposure::Show(int view, const float color[3], float shown[3]) const {
  for (int k = 0; k < 3; ++k) {
    shown[k] = enabled() ? std::exp(map(view)[k]) * color[k] + map(view)[3 + k] : color[k];
  }
}

void ViewExposure::Backward(int view, const float color[3], float d_shown[3], float d_map[6]) const {
  for (int k = 0; k < 3; ++k) {
    const float gain = std::exp(map(view)[k]);
    d_map[k] = d_shown[k] * gain * color[k];
    d_map[3 + k] = d_shown[k];
    d_shown[k] *= gain;
  }
}

void ViewExposure::Update(std::span<const int> view_of_ray, std::span<const float> d_maps,
                          float learning_rate, int step) {
  for (size_t r = 0; r < view_of_ray.size(); ++r) {
    float* gradient = gradient_.data() + static_cast<size_t>(view_of_ray[r]) * kStride;
    for (int k = 0; k < kNumbers; ++k) gradient[k] += d_maps[kNumbers * r + k];
  }
  const float pull = static_cast<float>(2 * penalty_ / static_cast<double>(views_.size()));
  for (const int view : views_) {
    const size_t at = static_cast<size_t>(view) * kStride;
    for (int k = 0; k < kNumbers; ++k) gradient_[at + k] += pull * maps_[at + k];
  }
  ops::AdamStep({.learning_rate = learning_rate, .step = step, .sparse = true}, maps_.size(),
                {maps_.data(), first_.data(), second_.data(), gradient_.data()});
  Center();
}

void ViewExposure::Center() {
  for (int k = 0; k < kNumbers; ++k) {
    double sum = 0;
    for (const int view : views_) sum += maps_[static_cast<size_t>(view) * kStride + k];
    const float mean = static_cast<float>(sum / static_cast<double>(views_.size()));
    for (const int view : views_) maps_[static_cast<size_t>(view) * kStride + k] -= mean;
  }
}

std::vector<TensorView> ViewExposure::Tensors() const {
  std::vector<TensorView> tensors;
  const auto add = [&](const char* name, const Buffer<float>& buffer) {
    tensors.push_back(
        MakeTensorView<float>(name, {static_cast<int64_t>(buffer.size() / kStride), kStride}, buffer.span()));
  };
  if (!enabled()) return tensors;
  add("exposure", maps_);
  add("exposure.first_moment", first_);
  add("exposure.second_moment", second_);
  return tensors;
}

void ViewExposure::Load(const SafetensorsFile& file) {
  if (!enabled()) return;
  const auto load = [&](const char* name, Buffer<float>& buffer) {
    const std::span<const float> data =
        file.Get<float>(name, {static_cast<int64_t>(buffer.size() / kStride), kStride});
    std::copy(data.begin(), data.end(), buffer.data());
  };
  load("exposure", maps_);
  load("exposure.first_moment", first_);
  load("exposure.second_moment", second_);
}

}  // namespace semfield
