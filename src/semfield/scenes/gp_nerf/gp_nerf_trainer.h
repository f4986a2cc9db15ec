#pragma once

#include <string>
#include <vector>

#include "semfield/scenes/gp_nerf/gp_nerf_losses.h"
#include "semfield/scenes/training/scene_network.h"

namespace semfield {

// GP-NeRF in a training over many scenes. Begins with random weights by the options' seed, or with those that
// the options name.
class GpNerfNetwork : public SceneNetwork {
 public:
  GpNerfNetwork(const GpNerfOptions& options, const std::vector<std::string>& classes);
  std::vector<nn::ParameterGroup> Groups() override;
  StepLosses AddGradients(const SceneBatch& batch) override;
  Json State() const override;
  std::string Phrase(const Json& metrics) const override;

 private:
  const GpNerfOptions options_;
  GpNerfModel model_{nullptr};
};

// A model with the weights of a checkpoint, in half or single precision. Not of a GP-NeRF, or what does not
// fit: Error naming the file.
struct LoadedGpNerf {
  GpNerfModel model{nullptr};
  std::vector<std::string> classes;
};
LoadedGpNerf LoadGpNerf(const SafetensorsFile& file);

}  // namespace semfield
