#pragma once

#include "semfield/methods/method.h"

namespace semfield {

// Every method of this program, in the order help lists them. The one place that names them all.
const MethodList& KnownMethods();

}  // namespace semfield
