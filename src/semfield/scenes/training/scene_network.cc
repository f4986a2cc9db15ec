#include "semfield/scenes/training/scene_network.h"

#include <utility>

namespace semfield {
namespace {

class NetworkOnScenes : public TrainedNetwork {
 public:
  NetworkOnScenes(std::unique_ptr<SceneNetwork> network, std::unique_ptr<SceneReader> reader)
      : network_(std::move(network)), reader_(std::move(reader)) {}

  std::vector<nn::ParameterGroup> Groups() override { return network_->Groups(); }
  StepLosses AddGradients(int step) override { return network_->AddGradients(reader_->Next(step)); }
  Json State() const override {
    Json state = network_->State();
    state["skipped"] = reader_->skipped();
    state["classes"] = reader_->classes();
    return state;
  }
  Json Counts() const override { return {{"skipped", reader_->skipped()}}; }
  std::string Phrase(const Json& metrics) const override { return network_->Phrase(metrics); }
  std::vector<std::string> StepSizeOptions() const override {
    return {"learning-rate", "feature-learning-rate"};
  }

 private:
  std::unique_ptr<SceneNetwork> network_;
  std::unique_ptr<SceneReader> reader_;
};

}  // namespace

std::unique_ptr<TrainedNetwork> OnScenes(std::unique_ptr<SceneNetwork> network,
                                         std::unique_ptr<SceneReader> reader) {
  return std::make_unique<NetworkOnScenes>(std::move(network), std::move(reader));
}

}  // namespace semfield
