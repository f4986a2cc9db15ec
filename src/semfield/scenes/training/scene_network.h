#pragma once

#include <memory>
#include <string>
#include <vector>

#include "semfield/scenes/training/network_trainer.h"
#include "semfield/scenes/training/scene_reader.h"

namespace semfield {

// What a method is to a training over many scenes: as TrainedNetwork, of a batch that it is given.
class SceneNetwork {
 public:
  virtual ~SceneNetwork() = default;
  virtual std::vector<nn::ParameterGroup> Groups() = 0;
  virtual StepLosses AddGradients(const SceneBatch& batch) = 0;
  virtual Json State() const = 0;
  virtual std::string Phrase(const Json& metrics) const = 0;
};

// The same with the scenes that it learns from; its state tells their classes and how many frames were
// skipped.
std::unique_ptr<TrainedNetwork> OnScenes(std::unique_ptr<SceneNetwork> network,
                                         std::unique_ptr<SceneReader> reader);

}  // namespace semfield
