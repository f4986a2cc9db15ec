#pragma once

#include <memory>

#include "semfield/evaluation/protocol.h"

namespace semfield {

// Things of held-out views, as a method renders them that was trained to tell things apart, against the
// capture's instances.
std::shared_ptr<const Protocol> MakeInstancesProtocol();

}  // namespace semfield
