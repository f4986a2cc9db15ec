#pragma once

#include <string>
#include <vector>

#include "semfield/capture/capture.h"

namespace semfield {

// What is unusual about a capture's cameras and poses, each with what it means or what to do: few views, odd
// intrinsics, cameras with few views, poses that all look one way, repeated poses, an extreme scale.
std::vector<std::string> AdviseOn(const Capture& capture);

}  // namespace semfield
