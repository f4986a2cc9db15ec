#pragma once

#include <memory>

#include "semfield/capture/reader.h"

namespace semfield {

// COLMAP sparse models, binary or text: the capture's folder (with sparse/0, sparse/, colmap/sparse/0 or the
// files themselves), a model's folder, or one of its files. Of several models the one with the most images is
// taken. Images are looked for in images/, images_2/ ..., input/ and the folder itself, in the one that holds
// the most of the model's names; the camera is scaled to them. Points and observations are kept. Masks in
// masks/ (photo.jpg.png or photo.png): white is kept.
std::unique_ptr<Reader> MakeColmapReader();

}  // namespace semfield
