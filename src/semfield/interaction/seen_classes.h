#pragma once

#include <functional>
#include <span>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/field/class_field.h"
#include "semfield/field/pyramid_field.h"
#include "semfield/field/radiance_field.h"
#include "semfield/perception/dense_encoder.h"
#include "semfield/perception/square_view.h"

namespace semfield {

// Class probabilities [classes, height, width] of what a square camera sees.
using ClassMaps =
    std::function<FeatureMap(const Camera& square, const Pose& world_from_square, const StopToken* stop)>;

// The decoder on rendered maps (SAN section 4.1, inference). All must outlive it.
ClassMaps RenderedClasses(const RadianceField& radiance, const PyramidField& pyramid, DenseDecoder& decoder);
// Of a field that needs no decoder.
ClassMaps RenderedClasses(const RadianceField& radiance, const ClassField& classes);

// What a camera's every pixel shows of each class.
class SeenClasses {
 public:
  // Through the squares that cover the frame, `resolution` pixels a side. Asked to stop: InterruptedError.
  SeenClasses(const Camera& frame, const Pose& world_from_camera, int resolution, const ClassMaps& source,
              const StopToken* stop = nullptr);
  // Of one square that is seen already.
  SeenClasses(const SquareView& square, FeatureMap map);

  int num_classes() const { return maps_.front().channels; }
  // Interpolated at a pixel of the frame: [num_classes()]. False where no square sees it.
  bool At(const Vec2& pixel, std::span<float> probabilities) const;
  // The likeliest class of every pixel of the frame, kUnseen where no square sees it; of the allowed ones
  // [num_classes()], if some are given.
  ImageU8 Likeliest(const std::vector<bool>& allowed = {}) const;
  // Pixels where these classes together are likelier than any other: 255, else 0.
  ImageU8 MaskOf(const std::vector<bool>& is_meant) const;
  static constexpr uint8_t kUnseen = 255;

 private:
  template <class Value>
  ImageU8 Paint(uint8_t unseen, const Value& value) const;

  Camera frame_;
  std::vector<SquareView> squares_;
  std::vector<FeatureMap> maps_;
};

}  // namespace semfield
