#pragma once

#include <filesystem>
#include <vector>

namespace semfield {

std::filesystem::path ExecutableFolder();

// $XDG_DATA_HOME/semfield/models, or ~/.local/share/semfield/models. Empty without a home.
std::filesystem::path UserModelFolder();
// $XDG_CACHE_HOME/semfield, or ~/.cache/semfield. Empty without a home.
std::filesystem::path UserCacheFolder();

// Where cards are looked for, first found wins: the user's folder, <executable>/../share/semfield/models, the
// source tree's models/. They need not exist.
std::vector<std::filesystem::path> ModelFolders();

// Existing node_modules folders, first found wins: $SEMFIELD_NPM (such a folder or its parent), the
// executable's folder and up to 8 parents of it, the source tree's. Folders that anybody may write to are
// passed over.
std::vector<std::filesystem::path> NodeModulesFolders();

}  // namespace semfield
