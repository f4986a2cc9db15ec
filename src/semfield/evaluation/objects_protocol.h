#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "semfield/base/json.h"
#include "semfield/evaluation/object_views.h"
#include "semfield/evaluation/objects_beside.h"
#include "semfield/evaluation/protocol.h"
#include "semfield/objects/object_finder.h"
#include "semfield/objects/view_answers.h"

namespace semfield {

struct ObjectScore {
  LabelledThing thing;
  std::vector<double> iou;                // [clicks] mean over thing.shows
  std::vector<ObjectViewScore> per_view;  // of the first click
  int wrong_shown = 0;                    // of thing.shows_not, with the first click
  int decoder_calls = 0;                  // of the first click
  double seconds = 0;                     // of the first click
  std::optional<BesideScore> beside;      // what others answer
};

// Which of a few ways a mask can be wrong; "" where the IoU is 0.5 and more.
std::string FailureOf(const ObjectViewScore& score);

Json ObjectsMetricsJson(const std::vector<ObjectScore>& scores);
Json ObjectsPerThingJson(const std::vector<ObjectScore>& scores, const Capture& capture);
Json ObjectsDefinitions(const std::vector<ObjectScore>& scores);

// One click on each labelled thing, its selection in 3D seen in all other views.
std::shared_ptr<const Protocol> MakeObjectsProtocol();

}  // namespace semfield
