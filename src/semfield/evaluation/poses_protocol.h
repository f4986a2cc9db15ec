#pragma once

#include <string>
#include <vector>

#include "semfield/base/json.h"
#include "semfield/capture/capture.h"
#include "semfield/evaluation/protocol.h"
#include "semfield/geometry/pose_alignment.h"

namespace semfield {

// How far the poses of training views are from those of another capture of the same photos that is taken for
// true.
struct PosesResult {
  struct View {
    std::string name;
    PoseDifference given;    // as the capture has them
    PoseDifference refined;  // as the run has them
  };
  std::vector<View> per_view;
};

// given: as read; refined: the same views as a run sees them; truth: a capture with the same names. What all
// views share is taken out (geometry/pose_alignment.h). Fewer than three names in common: InputError.
PosesResult EvaluatePoses(const Capture& given, const Capture& refined, const Capture& truth);

Json PosesMetricsJson(const PosesResult& result);
Json PosesPerViewJson(const PosesResult& result);
Json PosesDefinitions();

std::shared_ptr<const Protocol> MakePosesProtocol();

}  // namespace semfield
