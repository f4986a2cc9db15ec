#include "semfield/capture/scene_list.h"

#include <fmt/ranges.h>

#include <set>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/capture/readers/json_fields.h"

namespace semfield {
namespace {

constexpr size_t kMaxBytes = size_t{64} << 20;

}  // namespace

std::vector<ListedScene> ReadSceneList(const std::filesystem::path& file) {
  const Json json = ReadJsonFile(file, kMaxBytes);
  const JsonFields fields(json, file.string() + ": ");
  const Json& list = fields.Need("scenes");
  if (!list.is_array() || list.empty())
    throw InputError("{}: expected a list of scenes, got {}", fields.Where("scenes"), JsonExcerpt(list));
  const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
  std::vector<ListedScene> scenes;
  std::set<std::filesystem::path> seen;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string where = fields.Where(fmt::format("scenes[{}]", i));
    ListedScene scene{.path = {}, .split = "test"};
    std::string path;
    if (list[i].is_string()) {
      path = JsonText(list[i], where);
    } else {
      const JsonFields one(list[i], where + ".");
      path = JsonText(one.Need("path"), one.Where("path"));
      scene.split = one.Text("split").value_or(scene.split);
    }
    scene.path = (folder / path).lexically_normal();
    std::error_code error;
    if (path.empty() || !std::filesystem::exists(scene.path, error))
      throw InputError("{}: {}: no such file or folder", where, scene.path.string());
    if (!seen.insert(scene.path).second)
      throw InputError("{}: {} is listed twice", where, scene.path.string());
    scenes.push_back(std::move(scene));
  }
  return scenes;
}

std::vector<ListedScene> ScenesOf(const std::vector<ListedScene>& scenes, const std::string& split,
                                  const std::filesystem::path& file) {
  std::vector<ListedScene> chosen;
  std::set<std::string> splits;
  for (const ListedScene& scene : scenes) {
    splits.insert(scene.split);
    if (scene.split == split) chosen.push_back(scene);
  }
  if (chosen.empty())
    throw InputError("{}: no scene of split '{}'; there are: {}", file.string(), split,
                     fmt::join(splits, ", "));
  return chosen;
}

}  // namespace semfield
