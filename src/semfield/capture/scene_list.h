#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace semfield {

// A scene of a list, and what it is for.
struct ListedScene {
  std::filesystem::path path;  // a capture or a run, absolute
  std::string split;           // "train", "test" or a name of the user's own; "test" if the list does not say
};

// {"scenes": [{"path": "rooms/test_00", "split": "test"}, "rooms/test_01", ...]}; paths are relative to the
// list's folder. Damaged, empty, a path twice, or one where nothing is: InputError naming file and key.
std::vector<ListedScene> ReadSceneList(const std::filesystem::path& file);

// Those of one split; none: InputError that lists the splits there are.
std::vector<ListedScene> ScenesOf(const std::vector<ListedScene>& scenes, const std::string& split,
                                  const std::filesystem::path& file);

}  // namespace semfield
