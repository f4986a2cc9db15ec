#pragma once

#include <memory>

#include "semfield/evaluation/protocol.h"

namespace semfield {

// The names of labelled things against their classes, on their true masks and on our own selections of one
// click, and the things that class names, synonyms and words for what is not there select.
std::shared_ptr<const Protocol> MakeNamesProtocol();

}  // namespace semfield
