#pragma once

#include <memory>
#include <string>
#include <vector>

#include "semfield/evaluation/protocol.h"

namespace semfield {

// Class maps of held-out views against the capture's labels: what a segmenter says of the true photo and of
// our rendering, and what photos of other views vote.
std::shared_ptr<const Protocol> MakeSemanticsProtocol();

// [classes of a model] which class of the capture each is, by its name; -1: none. None at all: InputError.
std::vector<int> ClassesOfCapture(const std::vector<std::string>& model, const Capture& capture);

}  // namespace semfield
