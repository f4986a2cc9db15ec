#pragma once

#include "semfield/evaluation/protocol.h"

namespace semfield {

// Protocol san for a teacher of words: the classes that our rendered maps give, against those that the
// teacher gives of the same rendered picture, in every held-out view.
ProtocolResult EvaluateSanWords(const ProtocolInputs& inputs, const JobControl& control);

}  // namespace semfield
