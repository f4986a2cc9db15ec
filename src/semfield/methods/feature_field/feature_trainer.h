#pragma once

#include <memory>
#include <vector>

#include "semfield/base/json.h"
#include "semfield/methods/feature_field/feature_model.h"
#include "semfield/methods/feature_field/student.h"

namespace semfield {

// Trains a feature field on teacher views: one view a step, mean squared error over all tokens and channels
// (SAN Eq. 8). Deterministic for a given order of views.
class FeatureTrainer : public Student {
 public:
  FeatureTrainer(const FeatureOptions& options, const FeatureSpace& space);

  // Returns the step's mean squared error.
  double Step(const TeacherEntry& entry) override;
  int step() const override { return step_; }
  void set_steps(int steps) override { model_.set_steps(steps); }

  FeatureModel& model() { return model_; }
  const FeatureModel& model() const { return model_; }
  SceneSnapshot Snapshot() const override;
  std::vector<TensorView> Tensors() const override;
  Json State() const override;
  void Restore(const SafetensorsFile& file, const Json& state) override;
  void StartInterval() override { error_ = counted_ = 0; }
  Json Metrics() const override;
  std::string Detail() const override;

 private:
  double RunTile(const TeacherEntry& entry, int tile, int worker);

  FeatureModel model_;
  int step_ = 0;
  double error_ = 0;  // of the steps since StartInterval
  int counted_ = 0;
  Buffer<float> rows_, d_rows_, d_features_, tile_gradients_;
  struct Worker {
    FeatureHead::Workspace work;
    Buffer<float> output;
  };
  std::vector<Worker> workers_;
  std::vector<double> tile_errors_;
};

}  // namespace semfield
