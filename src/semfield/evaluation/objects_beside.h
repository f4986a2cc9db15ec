#pragma once

#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/evaluation/object_views.h"
#include "semfield/objects/object_session.h"
#include "semfield/run/opened_run.h"

namespace semfield {

// What others answer about a labelled thing, mean IoU over the views that show it (LabelledThing::shows).
struct BesideScore {
  // The teacher on the photo itself, clicked at the thing's innermost pixel there: its own choice, and the
  // best of its answers.
  double teacher = 0, teacher_best = 0;
  // The click carried to the view, where the imitated features are asked; -1: there are none.
  double per_view = -1;
  int per_view_hidden = 0;  // views whose surface does not show the clicked point
};

// Encodes the photos that it asks about, each once.
BesideScore ScoreBeside(const OpenedRun& run, const LabelledThing& thing, ObjectSession* session,
                        ThingViews* views, const StopToken* stop);

}  // namespace semfield
