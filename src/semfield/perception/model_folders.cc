#include "semfield/perception/model_folders.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#ifndef SEMFIELD_SOURCE_TREE
#define SEMFIELD_SOURCE_TREE ""
#endif

namespace semfield {
namespace fs = std::filesystem;

namespace {

constexpr int kMaxParents = 8;
const fs::path kSourceTree = SEMFIELD_SOURCE_TREE;

fs::path Environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? fs::path(value) : fs::path();
}

// The XDG base directory rules: relative values are ignored.
fs::path UserFolder(const char* variable, const char* below_home) {
  const fs::path chosen = Environment(variable);
  if (chosen.is_absolute()) return chosen / "semfield";
  const fs::path home = Environment("HOME");
  if (!home.is_absolute()) return {};
  return home / below_home / "semfield";
}

bool AnybodyMayWrite(const fs::path& folder) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  return error || (status.permissions() & fs::perms::others_write) != fs::perms::none;
}

void AddNodeModules(const fs::path& folder, std::vector<fs::path>& found) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) return;
  const fs::path real = fs::canonical(folder, error);
  if (error || std::find(found.begin(), found.end(), real) != found.end()) return;
  found.push_back(real);
}

}  // namespace

fs::path ExecutableFolder() {
  std::error_code error;
  const fs::path executable = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::path() : executable.parent_path();
}

fs::path UserModelFolder() {
  const fs::path data = UserFolder("XDG_DATA_HOME", ".local/share");
  return data.empty() ? data : data / "models";
}

fs::path UserCacheFolder() {
  return UserFolder("XDG_CACHE_HOME", ".cache");
}

std::vector<fs::path> ModelFolders() {
  std::vector<fs::path> folders;
  if (const fs::path user = UserModelFolder(); !user.empty()) folders.push_back(user);
  if (const fs::path executable = ExecutableFolder(); !executable.empty())
    folders.push_back((executable / ".." / "share" / "semfield" / "models").lexically_normal());
  if (!kSourceTree.empty()) folders.push_back(kSourceTree / "models");
  return folders;
}

std::vector<fs::path> NodeModulesFolders() {
  std::vector<fs::path> found;
  if (const fs::path chosen = Environment("SEMFIELD_NPM"); !chosen.empty()) {
    AddNodeModules(chosen / "node_modules", found);
    AddNodeModules(chosen, found);
  }
  fs::path folder = ExecutableFolder();
  for (int i = 0; i <= kMaxParents && !folder.empty(); ++i, folder = folder.parent_path()) {
    // A shared folder such as /tmp would let others plant a library there.
    if (!AnybodyMayWrite(folder)) AddNodeModules(folder / "node_modules", found);
    if (folder == folder.root_path()) break;
  }
  if (!kSourceTree.empty()) AddNodeModules(kSourceTree / "node_modules", found);
  return found;
}

}  // namespace semfield
