#pragma once

#include <string>
#include <vector>

#include "semfield/base/json.h"
#include "semfield/methods/feature_field/teacher_stream.h"
#include "semfield/methods/scene_trainer.h"

namespace semfield {

// What learns from a teacher's views, one a step.
class Student {
 public:
  virtual ~Student() = default;
  // Returns the step's loss.
  virtual double Step(const TeacherEntry& entry) = 0;
  virtual int step() const = 0;           // steps made
  virtual void set_steps(int steps) = 0;  // of a training that was planned anew
  virtual SceneSnapshot Snapshot() const = 0;
  virtual std::vector<TensorView> Tensors() const = 0;  // the model and, until all steps are done, optimizer
  virtual Json State() const = 0;
  virtual void Restore(const SafetensorsFile& file, const Json& state) = 0;
  // Of the steps since StartInterval.
  virtual void StartInterval() = 0;
  virtual Json Metrics() const = 0;
  virtual std::string Detail() const = 0;  // the same in words
};

}  // namespace semfield
