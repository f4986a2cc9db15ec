#pragma once

// LibTorch, compiled once for the room (CMakeLists.txt): its headers take half a minute.
#include <torch/torch.h>
