#pragma once

namespace semfield {

// "0.1.0"; written into run folders and checkpoints.
const char* Version();

// Names the interfaces of this build: equal where all headers, the compiler and its options are. Modules that
// are opened at run time must have the program's (methods/scenes_module.h).
const char* BuildId();

}  // namespace semfield
