#pragma once

#include "semfield/methods/feature_field/teacher_eye.h"
#include "semfield/perception/feature_map.h"

namespace semfield {

// The dense encoder that `inputs` names, once for every thread; its answers are class probabilities
// [classes, grid, grid].
TeacherEyes OpenClassEyes(const TrainingInputs& inputs, int grid);

// Means of a map over grid x grid tokens, [channels, grid, grid]; places of the map that lie across a border
// count by their middle, and a token without any takes the nearest.
std::vector<float> MeansOfTokens(const FeatureMap& map, int grid);

}  // namespace semfield
