#pragma once

#include <span>
#include <vector>

#include "semfield/base/buffer.h"
#include "semfield/training/safetensors.h"

namespace semfield {

// Photos of one scene differ in exposure and white balance. Each training view gets a small affine map of
// colour,
//   shown_k = exp(a_k) colour_k + b_k,  k = red, green, blue,
// between the field's colour and the photo. The maps' mean over all views is the identity (the field's own
// brightness would drift otherwise), and a penalty keeps each near it. Only training uses them: renderings
// are of the field.
class ViewExposure {
 public:
  static constexpr int kStride = 16;  // floats a view: a[3], b[3], padding up to one block of the optimizer

  ViewExposure() = default;
  // `views`: indices of the training views among num_views. penalty: weight of the mean of a^2 + b^2 in the
  // loss.
  ViewExposure(size_t num_views, std::vector<int> views, double penalty);

  bool enabled() const { return !views_.empty(); }
  // What view `view` shows of a colour. Identity when not enabled.
  void Show(int view, const float color[3], float shown[3]) const;
  // Given dL/dshown of a ray: replaces it by dL/dcolour and writes the ray's part of the map's gradient [6].
  void Backward(int view, const float color[3], float d_shown[3], float d_map[6]) const;
  // One Adam step (step counts from 1) from every ray's part, d_maps [num_rays, 6], summed in the order of
  // the rays. view_of_ray: [num_rays] indices below num_views.
  void Update(std::span<const int> view_of_ray, std::span<const float> d_maps, float learning_rate, int step);

  // a[3], b[3] of a view.
  std::span<const float> map(int view) const {
    return {maps_.data() + static_cast<size_t>(view) * kStride, 6};
  }

  std::vector<TensorView> Tensors() const;
  void Load(const SafetensorsFile& file);

 private:
  void Center();

  std::vector<int> views_;
  double penalty_ = 0;
  Buffer<float> maps_, gradient_, first_, second_;  // [num_views, kStride]
};

}  // namespace semfield
