#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "semfield/base/any_options.h"
#include "semfield/methods/method.h"
#include "semfield/scenes/training/network_trainer.h"
#include "semfield/scenes/training/process_group.h"
#include "semfield/scenes/training/scene_network.h"

namespace semfield {

// How many steps fit into `minutes` since `started`, as those of a trial take; what
// SceneTraining::PlanByMinutes returns.
Json PlanSteps(SceneTrainer& trial, double minutes, const Stopwatch& started, const JobControl& control,
               int* steps);

// The same scenes, captures and stores of their own.
ManyScenesInputs CopyOf(const ManyScenesInputs& inputs);

// A training over many scenes or objects before its first step. Options: the method's, with `int steps` and
// `double clip`.
template <class Options>
class NetworkTraining : public SceneTraining {
 public:
  NetworkTraining(ManyScenesInputs inputs, const Options& options)
      : inputs_(std::move(inputs)), given_(options), options_(AnyOptions(options)) {}

  const AnyOptions& options() const override { return options_; }

  // By the first steps of a trial, after those that warm up.
  Json PlanByMinutes(double minutes, const Stopwatch& started, const JobControl& control) override {
    const Json plan = PlanSteps(*MakeTrainer(), minutes, started, control, &given_.steps);
    options_ = AnyOptions(given_);
    return plan;
  }

  std::unique_ptr<SceneTrainer> MakeTrainer() override {
    auto trainer = std::make_unique<NetworkTrainer>(TrainerOptions(given_), NewNetwork(given_));
    if (inputs_.processes.world_size > 1) {
      if (!group_) group_ = std::make_unique<ProcessGroup>(inputs_.processes);
      trainer->OnGradients([this](std::vector<torch::Tensor>& gradients) { group_->Average(gradients); });
    }
    return trainer;
  }

 protected:
  // A trial and the training each have their own.
  virtual std::unique_ptr<TrainedNetwork> NewNetwork(const Options& options) const = 0;
  virtual NetworkTrainerOptions TrainerOptions(const Options& options) const {
    return {.steps = options.steps, .clip = options.clip};
  }
  const ManyScenesInputs& inputs() const { return inputs_; }

 private:
  const ManyScenesInputs inputs_;
  Options given_;
  AnyOptions options_;
  std::unique_ptr<ProcessGroup> group_;  // where there are several processes
};

// The same over scenes, which a reader draws from.
template <class Options>
class ScenesTraining : public NetworkTraining<Options> {
 public:
  using NetworkTraining<Options>::NetworkTraining;

 protected:
  virtual SceneReaderOptions ReaderOptions(const Options& options) const = 0;
  // For the classes that the reader knows.
  virtual std::unique_ptr<SceneNetwork> NewSceneNetwork(const Options& options,
                                                        const SceneReader& reader) const = 0;

  std::unique_ptr<TrainedNetwork> NewNetwork(const Options& options) const final {
    SceneReaderOptions reading = ReaderOptions(options);
    reading.rank = this->inputs().processes.rank;
    auto reader = std::make_unique<SceneReader>(CopyOf(this->inputs()), reading);
    std::unique_ptr<SceneNetwork> network = NewSceneNetwork(options, *reader);
    return OnScenes(std::move(network), std::move(reader));
  }
};

// A file of weights: a path, a run of a training, or a name in the folders of models. None: InputError that
// says how `method` is trained, `semfield train <on>`.
std::filesystem::path WeightsFile(const std::string& name, const std::string& method,
                                  const std::string& on = "LIST");

}  // namespace semfield
