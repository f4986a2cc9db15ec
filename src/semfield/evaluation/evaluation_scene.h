#pragma once

#include <array>
#include <vector>

#include "semfield/base/json.h"
#include "semfield/capture/capture.h"
#include "semfield/capture/image_store.h"
#include "semfield/field/radiance_field.h"

namespace semfield {

// What every protocol scores: a trained field and the photos that it should agree with.
struct EvaluationScene {
  const Capture& capture;
  const ImageStore& store;  // at the size the field was trained on
  const RadianceField& field;
  std::array<float, 3> background;  // behind the scene, in photos with transparency as well as in renderings
};

// The photo of a view over the scene's background, [0, 1], 3 channels, at the store's size.
ImageF PhotoOverBackground(const EvaluationScene& scene, int view);

// At most max_count of `views`, evenly spread and in order; max_count 0: all.
std::vector<int> SpreadViews(const std::vector<int>& views, int max_count);

// null for what is not finite, which JSON cannot hold.
Json FiniteOrNull(double value);

}  // namespace semfield
