#pragma once

#include <cstddef>
#include <cstdio>

namespace semfield::cli {

// Whether a file is a terminal that obeys the escapes of a progress line; one that says TERM=dumb does not.
bool IsTerminal(std::FILE* file);

// Columns of the terminal that a file is; `otherwise` if it is none or does not say.
size_t TerminalColumns(std::FILE* file, size_t otherwise);

}  // namespace semfield::cli
