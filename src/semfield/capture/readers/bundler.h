#pragma once

#include <memory>

#include "semfield/capture/reader.h"

namespace semfield {

// Bundler: bundle.out (version 0.3; the file, or a folder with bundle.out or bundle/bundle.out) and list.txt,
// which names an image a camera, beside it or one folder above. Cameras without focal length were not
// registered. Points and observations are kept; masks in masks/: white is kept.
std::unique_ptr<Reader> MakeBundlerReader();

}  // namespace semfield
