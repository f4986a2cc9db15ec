#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "semfield/base/json.h"
#include "semfield/evaluation/protocol.h"
#include "semfield/objects/object_finder.h"
#include "semfield/objects/view_answers.h"

namespace semfield {

// A labelled thing and where it is asked about.
struct LabelledThing {
  int id = 0;
  std::string name;
  int view = 0;                // into Capture::views: the training view in which it is largest
  Vec2 click = Vec2::Zero();   // pixels of that view's original image: its innermost pixel
  std::vector<int> shows;      // other views in which it covers kSmallestShare
  std::vector<int> shows_not;  // other views without a pixel of it
};
inline constexpr double kSmallestClickedShare = 0.01;  // of a view, to be asked about at all
inline constexpr double kSmallestShare = 0.003;        // of another view, to be scored there

// Things are instances whose class is none of wall, floor, ceiling, window, door, rug.
std::vector<LabelledThing> ThingsOf(const Capture& capture, const ImageStore& store);

struct ObjectViewScore {
  int view = 0;
  double iou = 0;
  double precision = 0, recall = 0;
  bool hidden = false;  // nothing was shown
};

struct ObjectScore {
  LabelledThing thing;
  std::vector<double> iou;                // [clicks] mean over thing.shows
  std::vector<ObjectViewScore> per_view;  // of the first click
  int wrong_shown = 0;                    // of thing.shows_not, with the first click
  int decoder_calls = 0;                  // of the first click
  double seconds = 0;                     // of the first click
};

// Which of a few ways a mask can be wrong; "" where the IoU is 0.5 and more.
std::string FailureOf(const ObjectViewScore& score);

Json ObjectsMetricsJson(const std::vector<ObjectScore>& scores);
Json ObjectsPerThingJson(const std::vector<ObjectScore>& scores, const Capture& capture);
Json ObjectsDefinitions(const std::vector<ObjectScore>& scores);

// One click on each labelled thing, its selection in 3D seen in all other views.
std::shared_ptr<const Protocol> MakeObjectsProtocol();

}  // namespace semfield
