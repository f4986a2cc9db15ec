#pragma once

#include <memory>

#include "semfield/evaluation/protocol.h"

namespace semfield {

// What photos vote at places of the true mesh, and what the labelled mesh of the run says there, against the
// classes of its faces.
std::shared_ptr<const Protocol> MakeSemantics3dProtocol();

}  // namespace semfield
