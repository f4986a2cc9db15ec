#pragma once

#include "semfield/field/pyramid_field.h"
#include "semfield/methods/feature_field/teacher_eye.h"
#include "semfield/perception/model_card.h"

namespace semfield {

// The maps that a dense encoder's card cuts its graph at, of a square picture.
PyramidSpace PyramidSpaceOf(const ModelCard& card);

// The dense encoder that `inputs` names, once for every thread; its answers are all maps, one after the
// other. InputError where its card cuts its graph nowhere.
TeacherEyes OpenDenseEyes(const TrainingInputs& inputs);

}  // namespace semfield
