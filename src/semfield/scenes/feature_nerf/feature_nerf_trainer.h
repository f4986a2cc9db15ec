#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "semfield/methods/scene_trainer.h"
#include "semfield/scenes/feature_nerf/feature_nerf_model.h"
#include "semfield/scenes/feature_nerf/object_batches.h"
#include "semfield/scenes/feature_nerf/teacher_projection.h"
#include "semfield/scenes/training/adam.h"

namespace semfield {

// What a step is measured by, each a tensor of one number.
struct FeatureNerfLosses {
  torch::Tensor rgb, teacher, coordinate, alpha, depth, total;
  double coordinate_error =
      0;  // mean distance of the composited coordinate of opaque rays from the true place
};
// Eq. 2, 5 and 8, and what the options add. Without a teacher, or without rays that it looked at, its loss
// is 0.
FeatureNerfLosses LossesOf(const FeatureNerfOptions& options, const ObjectBatch& batch, const SeenRays& seen);

// Eq. 8 of a batch's samples. kind: as FeatureNerfOptions::coordinate_loss. weights: [M, S]; coordinates,
// truth: [M, S, 3].
torch::Tensor CoordinateLoss(const std::string& kind, const torch::Tensor& weights,
                             const torch::Tensor& coordinates, const torch::Tensor& truth);

// Training over many objects.
class FeatureNerfTrainer : public SceneTrainer {
 public:
  // projection: of the teacher, undefined tensors where there is none.
  FeatureNerfTrainer(const FeatureNerfOptions& options, std::vector<std::string> categories,
                     TeacherProjection projection, std::unique_ptr<ObjectBatches> batches);

  void Step(const JobControl& control) override;
  void ChangePlan(const PlanChange& change) override { options_.steps = change.steps; }
  int step() const override { return step_; }
  int num_steps() const override { return options_.steps; }
  SceneSnapshot Snapshot() const override {
    return {.step = step_, .radiance = nullptr, .features = nullptr};
  }
  std::vector<TensorView> Tensors() const override;
  Json State() const override;
  void Restore(const SafetensorsFile& file) override;
  Json Metrics(double seconds) const override;
  std::string Detail(double seconds) const override;
  void StartInterval() override { interval_ = {}; }
  int metrics_interval() const override { return 20; }
  bool Diverged() const override { return diverged_; }
  std::vector<std::string> StepSizeOptions() const override { return {"learning-rate"}; }

  // Called with all gradients between backward and the step of the optimizer.
  void OnGradients(std::function<void(std::vector<torch::Tensor>&)> with) {
    with_gradients_ = std::move(with);
  }
  FeatureNerfModel& model() { return model_; }

 private:
  struct Interval {
    int steps = 0;
    double mse = 0, teacher = 0, coordinate_error = 0, depth = 0;
  };
  FeatureNerfOptions options_;
  const std::vector<std::string> categories_;
  const TeacherProjection projection_;
  std::unique_ptr<ObjectBatches> batches_;
  FeatureNerfModel model_;
  nn::Adam adam_;
  std::function<void(std::vector<torch::Tensor>&)> with_gradients_;
  int step_ = 0;
  bool diverged_ = false;
  Interval interval_;
  mutable std::vector<std::vector<Half>> halves_;  // what Tensors() of a finished training points into
};

// A model with the weights of a checkpoint. Not of a FeatureNeRF, or what does not fit: Error naming the
// file.
struct LoadedFeatureNerf {
  FeatureNerfModel model{nullptr};
  std::vector<std::string> categories;
  TeacherProjection projection;  // undefined tensors where there was no teacher
};
LoadedFeatureNerf LoadFeatureNerf(const SafetensorsFile& file);

}  // namespace semfield
