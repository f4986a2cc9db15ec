#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "semfield/base/any_options.h"
#include "semfield/methods/method.h"
#include "semfield/scenes/training/process_group.h"
#include "semfield/scenes/training/scenes_trainer.h"

namespace semfield {

// How many steps fit into `minutes` since `started`, as those of a trial take; what
// SceneTraining::PlanByMinutes returns.
Json PlanSteps(SceneTrainer& trial, double minutes, const Stopwatch& started, const JobControl& control,
               int* steps);

// A training over many scenes before its first step. Options: the method's, with `int steps` and `double
// clip`.
template <class Options>
class ScenesTraining : public SceneTraining {
 public:
  ScenesTraining(ManyScenesInputs inputs, const Options& options)
      : inputs_(std::move(inputs)), given_(options), options_(AnyOptions(options)) {}

  const AnyOptions& options() const override { return options_; }

  // By the first steps of a trial, after those that warm up.
  Json PlanByMinutes(double minutes, const Stopwatch& started, const JobControl& control) override {
    const Json plan = PlanSteps(*MakeTrainer(), minutes, started, control, &given_.steps);
    options_ = AnyOptions(given_);
    return plan;
  }

  std::unique_ptr<SceneTrainer> MakeTrainer() override {
    SceneReaderOptions reading = ReaderOptions(given_);
    reading.rank = inputs_.processes.rank;
    auto reader = std::make_unique<SceneReader>(Copies(), reading);
    std::unique_ptr<TrainedNetwork> network = NewNetwork(given_, *reader);
    auto trainer =
        std::make_unique<ScenesTrainer>(ScenesTrainerOptions{.steps = given_.steps, .clip = given_.clip},
                                        std::move(reader), std::move(network));
    if (inputs_.processes.world_size > 1) {
      if (!group_) group_ = std::make_unique<ProcessGroup>(inputs_.processes);
      trainer->OnGradients([this](std::vector<torch::Tensor>& gradients) { group_->Average(gradients); });
    }
    return trainer;
  }

 protected:
  virtual SceneReaderOptions ReaderOptions(const Options& options) const = 0;
  // For the classes that the reader knows.
  virtual std::unique_ptr<TrainedNetwork> NewNetwork(const Options& options,
                                                     const SceneReader& reader) const = 0;

 private:
  // Of the scenes: a trial and the training each have their own.
  ManyScenesInputs Copies() const {
    ManyScenesInputs scenes{.scenes = {}, .onnxruntime = inputs_.onnxruntime};
    for (const ManyScenesInputs::Scene& scene : inputs_.scenes) {
      scenes.scenes.push_back(
          {.capture = std::make_unique<Capture>(*scene.capture), .store = nullptr, .cache = scene.cache});
      scenes.scenes.back().store = std::make_unique<ImageStore>(
          *scenes.scenes.back().capture, scene.store->downscale(), scene.store->max_bytes());
    }
    return scenes;
  }

  const ManyScenesInputs inputs_;
  Options given_;
  AnyOptions options_;
  std::unique_ptr<ProcessGroup> group_;  // where there are several processes
};

// A file of weights: a path, a run of a training, or a name in the folders of models. None: InputError that
// says how `method` is trained, `semfield train <on>`.
std::filesystem::path WeightsFile(const std::string& name, const std::string& method,
                                  const std::string& on = "LIST");

}  // namespace semfield
