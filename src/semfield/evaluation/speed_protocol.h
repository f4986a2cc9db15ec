#pragma once

#include <memory>

#include "semfield/evaluation/protocol.h"

namespace semfield {

// What a click in a new view costs, step by step (SAN Table 1): the picture, its features by the teacher's
// own encoder and by the imitated field, and the decoder. Volume and mesh are measured beside each other
// where the run has a mesh.
std::shared_ptr<const Protocol> MakeSpeedProtocol();

}  // namespace semfield
