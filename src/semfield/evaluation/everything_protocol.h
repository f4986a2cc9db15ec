#pragma once

#include <memory>

#include "semfield/evaluation/protocol.h"

namespace semfield {

// All things without a click, against labelled instances in all views.
std::shared_ptr<const Protocol> MakeEverythingProtocol();

}  // namespace semfield
