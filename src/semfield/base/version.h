#pragma once

namespace semfield {

// "0.1.0"; written into run folders and checkpoints.
const char* Version();

}  // namespace semfield
