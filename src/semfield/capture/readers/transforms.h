#pragma once

#include <memory>

#include "semfield/capture/reader.h"

namespace semfield {

// transforms.json of instant-ngp, nerfstudio and Blender: the file, or a folder with transforms.json, or with
// transforms_train.json and optionally transforms_val.json and transforms_test.json (giving
// transforms_train.json reads the three as well). OpenGL camera axes.
std::unique_ptr<Reader> MakeTransformsReader();

}  // namespace semfield
