#pragma once

#include <optional>
#include <string>

#include "semfield/base/any_options.h"
#include "semfield/base/json.h"
#include "semfield/methods/scene_trainer.h"
#include "semfield/training/plan.h"
#include "semfield/training/safetensors.h"

namespace semfield {

// The plan of a training as its section of config.json keeps it. `options.steps` is always the steps in all;
// of a plan that was remade, `plan.remade` says when and from how many, so that the same training can be made
// again.
struct KeptPlan {
  double seconds = 0;                // that its steps were to take in all; 0: no plan by minutes
  int first_steps = 0;               // the steps it began with; 0: the options have none
  std::optional<PlanChange> change;  // by which it was remade
};

// InputError naming `where` and the key that does not fit.
KeptPlan ReadKeptPlan(const Json& section, const std::string& where);

// Writes a change into a section whose training began with `first_steps`.
void KeepChange(const PlanChange& change, int first_steps, Json* section);

// Tells a trainer that is about to be restored of a change that its checkpoint stands on.
void TellChange(const KeptPlan& kept, const SafetensorsFile& checkpoint, SceneTrainer& trainer);

// The same options with the steps that a training begins with.
AnyOptions WithSteps(AnyOptions options, int steps);

}  // namespace semfield
