#pragma once

#include <memory>
#include <vector>

#include "semfield/base/json.h"
#include "semfield/methods/feature_field/feature_model.h"
#include "semfield/methods/feature_field/teacher_stream.h"

namespace semfield {

// Trains a feature field on teacher views: one view a step, mean squared error over all tokens and channels
// (SAN Eq. 8). Deterministic for a given order of views.
class FeatureTrainer {
 public:
  FeatureTrainer(const FeatureOptions& options, const FeatureSpace& space);

  // Returns the step's mean squared error.
  double Step(const TeacherEntry& entry);
  int step() const { return step_; }

  FeatureModel& model() { return model_; }
  const FeatureModel& model() const { return model_; }
  std::vector<TensorView> Tensors() const;  // model and, until all steps are done, optimizer
  Json State() const;
  void Restore(const SafetensorsFile& file, const Json& state);

 private:
  double RunTile(const TeacherEntry& entry, int tile, int worker);

  FeatureModel model_;
  int step_ = 0;
  Buffer<float> rows_, d_rows_, d_features_, tile_gradients_;
  struct Worker {
    FeatureHead::Workspace work;
    Buffer<float> output;
  };
  std::vector<Worker> workers_;
  std::vector<double> tile_errors_;
};

}  // namespace semfield
