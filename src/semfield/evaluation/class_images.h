#pragma once

#include <optional>
#include <string>
#include <vector>

#include "semfield/evaluation/evaluation_scene.h"
#include "semfield/image/image.h"

namespace semfield {

// A class for every pixel; kNoClass where there is none.
using ClassImage = ImageU8;
inline constexpr uint8_t kNoClass = 255;

// The capture's labels of a view as numbers of `classes`, at width x height (nearest); kNoClass where a label
// is of none of them or a mask excludes the pixel. No labels: nothing.
std::optional<ClassImage> TrueClasses(const EvaluationScene& scene, int view,
                                      const std::vector<std::string>& classes, int width, int height);

// How two pictures of classes agree about one of them.
struct ClassAgreement {
  int class_id = 0;
  double share = 0;  // of the pixels, the larger of both pictures' shares
  double iou = 0;
};
// Of every class that covers at least `smallest_share` of one of the pictures. Pixels where `scored` is
// kNoClass do not count; nullptr: all do.
std::vector<ClassAgreement> CompareClasses(const ClassImage& a, const ClassImage& b, double smallest_share,
                                           const ClassImage* scored = nullptr);

}  // namespace semfield
