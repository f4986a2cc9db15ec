#pragma once

#include <memory>

#include "semfield/capture/reader.h"

namespace semfield {

// OpenSfM's reconstruction.json (the file, or the folder that holds it), with images/. Focal lengths are in
// units of the larger side, principal points relative to the middle. Of several reconstructions the one with
// the most shots is taken. Points are kept; masks in masks/: white is kept.
std::unique_ptr<Reader> MakeOpenSfmReader();

}  // namespace semfield
