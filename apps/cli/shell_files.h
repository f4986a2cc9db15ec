#pragma once

#include <vector>

#include "docs_pages.h"

namespace semfield::cli {

// Completion of the command line for bash ("semfield"), zsh ("_semfield") and fish ("semfield.fish"), made
// from the option descriptions.
std::vector<DocsPage> CompletionFiles();

// The manual page "semfield.1", of the command and all its verbs.
std::vector<DocsPage> ManualPages();

}  // namespace semfield::cli
