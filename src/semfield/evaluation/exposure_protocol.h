#pragma once

#include <string>
#include <vector>

#include "semfield/base/json.h"
#include "semfield/capture/capture.h"
#include "semfield/evaluation/protocol.h"
#include "semfield/field/color_map.h"

namespace semfield {

// How much too bright or dark training photos are, beside what a training with --exposure found. All in
// stops: a photo of one stop has twice the light.
struct ExposureResult {
  struct View {
    std::string name;
    double given;  // of the photo over its true one
    double found;  // of what the learned map makes of the true photo over that photo
  };
  std::vector<View> per_view;
};

// given: the capture of the run; found: [views] learned on it, or none; truth: a capture with photos of the
// same names, taken at one exposure. A view's stops are the median over all of its pixels and colours that
// are neither nearly black nor nearly clipped in either photo; the mean over all views is taken out of both,
// since only differences between photos can be known. Fewer than two names in common, or photos of another
// size: InputError.
ExposureResult EvaluateExposure(const Capture& given, const std::vector<ColorMap>& found,
                                const Capture& truth);

Json ExposureMetricsJson(const ExposureResult& result);
Json ExposurePerViewJson(const ExposureResult& result);
Json ExposureDefinitions();

std::shared_ptr<const Protocol> MakeExposureProtocol();

}  // namespace semfield
