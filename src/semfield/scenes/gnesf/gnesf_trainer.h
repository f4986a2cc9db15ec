#pragma once

#include <memory>
#include <string>
#include <vector>

#include "semfield/scenes/gnesf/gnesf_model.h"
#include "semfield/scenes/training/scene_network.h"

namespace semfield {

// What a step is measured by, each a tensor of one number.
struct GnesfLosses {
  torch::Tensor rgb, semantic, depth, total;
  double right = 0;  // share of the labelled rays whose likeliest class is right
};
GnesfLosses LossesOf(const GnesfOptions& options, const SceneBatch& batch, const RenderedRays& rendered);

// The gradient of a batch is left in the model's parameters.
GnesfLosses AddGradients(const GnesfOptions& options, const SceneBatch& batch, GnesfModel& model);

// GNeSF in a training over many scenes; random weights by the options' seed.
class GnesfNetwork : public SceneNetwork {
 public:
  // classes: how many the scenes have.
  GnesfNetwork(const GnesfOptions& options, int64_t classes);
  std::vector<nn::ParameterGroup> Groups() override;
  StepLosses AddGradients(const SceneBatch& batch) override;
  Json State() const override;
  std::string Phrase(const Json& metrics) const override;

 private:
  const GnesfOptions options_;
  GnesfModel model_;
};

// A model with the weights of a checkpoint, in half or single precision. Not of a GNeSF, or what does not
// fit: Error naming the file.
struct LoadedGnesf {
  GnesfModel model{nullptr};
  std::vector<std::string> classes;
};
LoadedGnesf LoadGnesf(const SafetensorsFile& file);

}  // namespace semfield
