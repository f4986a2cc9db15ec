#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "semfield/scenes/feature_nerf/feature_nerf_model.h"
#include "semfield/scenes/feature_nerf/object_batches.h"
#include "semfield/scenes/feature_nerf/teacher_projection.h"
#include "semfield/scenes/training/network_trainer.h"

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

// FeatureNeRF in a training over many objects; random weights by the options' seed.
class FeatureNerfNetwork : public TrainedNetwork {
 public:
  // projection: of the teacher, undefined tensors where there is none.
  FeatureNerfNetwork(const FeatureNerfOptions& options, std::vector<std::string> categories,
                     TeacherProjection projection, std::unique_ptr<ObjectBatches> batches);
  std::vector<nn::ParameterGroup> Groups() override;
  StepLosses AddGradients(int step) override;
  std::vector<std::pair<std::string, torch::Tensor>> Constants() const override;
  Json State() const override;
  std::string Phrase(const Json& metrics) const override;
  std::vector<std::string> StepSizeOptions() const override { return {"learning-rate"}; }

 private:
  const FeatureNerfOptions options_;
  const std::vector<std::string> categories_;
  const TeacherProjection projection_;
  std::unique_ptr<ObjectBatches> batches_;
  FeatureNerfModel model_;
};
NetworkTrainerOptions FeatureNerfTrainerOptions(const FeatureNerfOptions& options);

// A model with the weights of a checkpoint. Not of a FeatureNeRF, or what does not fit: Error naming the
// file.
struct LoadedFeatureNerf {
  FeatureNerfModel model{nullptr};
  std::vector<std::string> categories;
  TeacherProjection projection;  // undefined tensors where there was no teacher
};
LoadedFeatureNerf LoadFeatureNerf(const SafetensorsFile& file);

}  // namespace semfield
