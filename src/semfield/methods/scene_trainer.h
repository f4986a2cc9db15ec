#pragma once

#include <memory>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/json.h"
#include "semfield/field/feature_field.h"
#include "semfield/field/radiance_field.h"
#include "semfield/training/plan.h"
#include "semfield/training/safetensors.h"

namespace semfield {

// What a training knows of its scene at one step. Immutable: it may be rendered from other threads while the
// training goes on, and lives as long as somebody holds it. What a method does not train is nullptr.
struct SceneSnapshot {
  int step = 0;
  std::shared_ptr<const RadianceField> radiance;
  std::shared_ptr<const FeatureField> features;
};

// A training of one scene, step by step. One thread at a time.
class SceneTrainer {
 public:
  virtual ~SceneTrainer() = default;

  // Everything that must be there before the first step of this process, after Restore if there is one.
  // Called once; may take long, reports and can be stopped (InterruptedError: nothing is lost).
  virtual void Begin(const JobControl& control) {}
  // One optimizer step. Interrupted while it waits (InterruptedError), it was not made.
  virtual void Step(const JobControl& control) = 0;
  // The training was planned anew: schedules stretch to the new end from the step at hand on, which is
  // change.at_step. A trainer that is restored to a later step is told before Restore. At most once.
  virtual void ChangePlan(const PlanChange& change) = 0;
  virtual int step() const = 0;       // steps made so far, over all resumes
  virtual int num_steps() const = 0;  // of the whole training
  bool Done() const { return step() >= num_steps(); }
  virtual SceneSnapshot Snapshot() const = 0;

  // Everything a resumed training needs beside its options; once Done() only what the field is. Views into
  // this object: they live until the next Step.
  virtual std::vector<TensorView> Tensors() const = 0;
  virtual Json State() const = 0;                         // an object with "step"
  virtual void Restore(const SafetensorsFile& file) = 0;  // Error naming file and what does not fit
  // The tensors and the state of this moment are on disk.
  virtual void Saved() {}
  // All steps are made and saved: what only they needed may go.
  virtual void Finish() {}

  // Of the steps since the last StartInterval, which took `seconds`: numbers for metrics.jsonl, and a phrase
  // for the progress line.
  virtual Json Metrics(double seconds) const = 0;
  virtual std::string Detail(double seconds) const = 0;
  virtual void StartInterval() = 0;
  virtual int metrics_interval() const = 0;  // steps between two entries of the log
  // Whether the loss is not a number; the options by whose lowering people mend that.
  virtual bool Diverged() const = 0;
  virtual std::vector<std::string> StepSizeOptions() const = 0;
};

}  // namespace semfield
