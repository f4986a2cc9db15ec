#pragma once

#include "semfield/jobs/train.h"

namespace semfield {

// Key of a section "train" that tells a training over many scenes: the list of scenes, absolute. Such a run
// holds weights and no scene.
inline constexpr const char* kSceneListKey = "scene_list";

// Whether a job is of a method that is trained over many scenes.
bool TrainsManyScenes(const TrainJobOptions& job, const MethodList& methods);

// Trains such a method on the scenes of a list (job.capture; those of split "train"), which lie in captures.
// What models say of their photos is kept in the run. Resumes and stops as RunTrain.
TrainResult RunTrainScenes(const TrainJobOptions& job, const MethodList& methods, const JobControl& control);

}  // namespace semfield
