#include "semfield/jobs/kept_plan.h"

#include "semfield/base/error.h"
#include "semfield/base/options.h"
#include "semfield/training/checkpoint.h"

namespace semfield {
namespace {

constexpr const char* kSteps = "steps";

// A whole number in [1, 1e9], or 0.
int Count(const Json& object, const char* key) {
  const Json value = object.is_object() ? object.value(key, Json()) : Json();
  if (!value.is_number_integer() || value.get<int64_t>() < 1 || value.get<int64_t>() > 1'000'000'000)
    return 0;
  return value.get<int>();
}

}  // namespace

KeptPlan ReadKeptPlan(const Json& section, const std::string& where) {
  KeptPlan kept;
  kept.first_steps = Count(section.value("options", Json()), kSteps);
  const Json plan = section.value("plan", Json());
  if (!plan.is_object()) return kept;
  const Json seconds = plan.value("seconds", Json());
  if (seconds.is_number() && seconds.get<double>() > 0) kept.seconds = seconds.get<double>();
  if (!plan.contains("remade")) return kept;
  const Json& remade = plan["remade"];
  const PlanChange change{.at_step = Count(remade, "at"), .steps = kept.first_steps};
  const int first_steps = Count(remade, "first_steps");
  if (change.at_step == 0 || first_steps <= change.at_step || change.steps <= change.at_step) {
    throw InputError(
        "{}: plan.remade: expected {{\"at\": A, \"first_steps\": S}} with whole numbers, A below S and below "
        "options.steps ({}), got {}",
        where, change.steps, remade.dump());
  }
  kept.first_steps = first_steps;
  kept.change = change;
  return kept;
}

void KeepChange(const PlanChange& change, int first_steps, Json* section) {
  (*section)["plan"]["remade"] = {{"at", change.at_step}, {"first_steps", first_steps}};
  (*section)["options"][kSteps] = change.steps;
}

void TellChange(const KeptPlan& kept, const SafetensorsFile& checkpoint, SceneTrainer& trainer) {
  if (!kept.change) return;
  const int step = CheckpointState(checkpoint, {}).at("step").get<int>();
  if (step >= kept.change->at_step) trainer.ChangePlan(*kept.change);
}

AnyOptions WithSteps(AnyOptions options, int steps) {
  OptionList list;
  options.Describe(list);
  if (const Option* option = list.Find(kSteps)) SetOption(*option, Json(steps), kSteps);
  return options;
}

}  // namespace semfield
