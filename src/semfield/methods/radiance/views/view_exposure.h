#pragma once

#include <span>
#include <vector>

#include "semfield/field/color_map.h"
#include "semfield/methods/radiance/views/view_term.h"

namespace semfield {

// Photos of one scene differ in exposure and white balance. Each training view gets a small map of colour
// (field/color_map.h) between the field's colour and the photo. The maps' mean over all views is the identity
// (the field's own brightness would drift otherwise), and a penalty keeps each near it. Only training uses
// them: renderings are of the field.
class ViewExposure : public ViewTerm {
 public:
  ViewExposure() = default;
  // `views`: indices of the training views among num_views. penalty: weight of the mean of
  // log_gain^2 + offset^2 in the loss.
  ViewExposure(size_t num_views, std::vector<int> views, double penalty);

  // Between the field's colours and the photo of a view; the identity when not enabled.
  ColorMap map(int view) const;
  // One Adam step (step counts from 1) from every ray's part, d_maps [num_rays, 6] (ColorMap::Backward),
  // summed in the order of the rays. view_of_ray: [num_rays] indices below num_views.
  void Update(std::span<const int> view_of_ray, std::span<const float> d_maps, float learning_rate, int step);

 private:
  void Center();

  double penalty_ = 0;
};

}  // namespace semfield
