#include "semfield/run/named_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "semfield/base/error.h"
#include "semfield/base/json.h"
#include "semfield/base/text.h"
#include "semfield/capture/view_files.h"

namespace semfield {
namespace {

constexpr size_t kPoseFileBytes = 1 << 20;

// Without the extension.
std::string ResultName(const std::string& name) {
  const std::string text = FileNameText(name);
  const size_t dot = text.rfind('.');
  return dot == std::string::npos || dot == 0 ? text : text.substr(0, dot);
}

double Number(const Json& json, const char* key, const std::string& file) {
  if (!json.contains(key) || !json[key].is_number()) {
    throw InputError(
        "{}: {}: expected a number. A pose file needs w, h, fl_x (fl_y, cx, cy) and transform_matrix", file,
        key);
  }
  return json[key].get<double>();
}

Pose ReadMatrix(const Json& json, const std::string& file) {
  const bool ours = json.contains("world_from_camera");
  const char* key = ours ? "world_from_camera" : "transform_matrix";
  Pose pose;
  const Json matrix = json.contains(key) ? json[key] : Json();
  if (!matrix.is_array() || matrix.size() < 3) throw InputError("{}: {}: expected a 4x4 matrix", file, key);
  for (int row = 0; row < 3; ++row) {
    if (!matrix[row].is_array() || matrix[row].size() != 4)
      throw InputError("{}: {}[{}]: expected 4 numbers", file, key, row);
    for (int column = 0; column < 4; ++column) {
      const Json& value = matrix[row][column];
      if (!value.is_number()) throw InputError("{}: {}[{}][{}]: expected a number", file, key, row, column);
      (column < 3 ? pose.rotation(row, column) : pose.translation[row]) = value.get<double>();
    }
  }
  if (!IsRigid(pose)) throw InputError("{}: {}: not a rotation and a finite translation", file, key);
  pose.rotation = NearestRotation(pose.rotation);
  return ours ? pose : FlipOpenGlOpenCv(pose);
}

NamedView ReadPoseFile(const std::filesystem::path& path) {
  const std::string file = path.string();
  const Json json = ReadJsonFile(path, kPoseFileBytes);
  if (!json.is_object()) throw InputError("{}: expected an object with a camera and transform_matrix", file);
  NamedView view;
  view.name = ResultName(path.filename().string());
  Camera& camera = view.camera;
  const double width = Number(json, "w", file), height = Number(json, "h", file);
  if (!(width >= 1 && width <= 16384 && height >= 1 && height <= 16384)) {
    throw InputError("{}: w, h: expected 1 to 16384, got {} x {}", file, width, height);
  }
  camera.width = static_cast<int>(width);
  camera.height = static_cast<int>(height);
  camera.fx = Number(json, "fl_x", file);
  camera.fy = json.contains("fl_y") ? Number(json, "fl_y", file) : camera.fx;
  if (!(camera.fx > 0 && camera.fy > 0)) throw InputError("{}: fl_x, fl_y: expected positive numbers", file);
  camera.cx = json.contains("cx") ? Number(json, "cx", file) : camera.width / 2.0;
  camera.cy = json.contains("cy") ? Number(json, "cy", file) : camera.height / 2.0;
  view.world_from_camera = ReadMatrix(json, file);
  return view;
}

}  // namespace

std::vector<std::string> ResultNames(const Capture& capture) {
  const size_t count = capture.views.size();
  std::vector<std::string> names(count);
  std::set<std::string> taken;
  for (size_t i = 0; i < count; ++i) names[i] = ResultName(capture.views[i].name);
  // Who is called so to the letter keeps the name, then who comes first.
  std::vector<bool> is_named(count, false);
  for (const bool exact : {true, false}) {
    for (size_t i = 0; i < count; ++i) {
      const std::string& own = capture.views[i].name;
      if (is_named[i] || (exact && own.substr(0, own.rfind('.')) != names[i])) continue;
      is_named[i] = taken.insert(names[i]).second;
    }
  }
  std::map<std::string, int> last_number;
  for (size_t i = 0; i < count; ++i) {
    if (is_named[i]) continue;
    const std::string base = names[i];
    int& number = last_number.try_emplace(base, 1).first->second;
    do {
      names[i] = fmt::format("{}-{}", base, ++number);
    } while (!taken.insert(names[i]).second);
  }
  return names;
}

namespace {

// Of views of the capture and of pose files; the names are made once for all.
class ViewFinder {
 public:
  explicit ViewFinder(const Capture& capture) : capture_(capture), names_(ResultNames(capture)) {}

  NamedView At(int index) const {
    const View& view = capture_.views[index];
    return {.name = names_[index],
            .camera = view.camera,
            .world_from_camera = view.world_from_camera,
            .index = index};
  }

  NamedView Find(const std::string& text) const {
    const std::filesystem::path path(text);
    if (path.extension() == ".json" && IsFile(path)) return ReadPoseFile(path);
    return At(capture_.FindView(text));
  }

  // One name after another; where several readings are possible, the longest that is a view's name.
  std::vector<NamedView> FindList(const std::string& text) const {
    std::vector<NamedView> views;
    for (size_t begin = 0; begin < text.size();) {
      size_t end = text.size();
      const size_t first = std::min(text.find(',', begin), text.size());
      while (end > first && !HasViewCalled(text.substr(begin, end - begin))) end = text.rfind(',', end - 1);
      if (end > begin) views.push_back(Find(text.substr(begin, end - begin)));
      begin = end + 1;
    }
    return views;
  }

 private:
  bool HasViewCalled(const std::string& name) const {
    return std::any_of(capture_.views.begin(), capture_.views.end(), [&](const View& view) {
      const std::filesystem::path path(view.name);
      return view.name == name || path.filename() == name || path.stem() == name;
    });
  }

  const Capture& capture_;
  const std::vector<std::string> names_;
};

}  // namespace

NamedView FindNamedView(const Capture& capture, const std::string& text) {
  return ViewFinder(capture).Find(text);
}

std::vector<NamedView> FindNamedViews(const Capture& capture, const std::string& text) {
  const ViewFinder finder(capture);
  std::vector<NamedView> views;
  if (text == "all") {
    for (size_t i = 0; i < capture.views.size(); ++i) views.push_back(finder.At(static_cast<int>(i)));
  } else if (text == "train" || text == "test") {
    for (int index : text == "train" ? capture.train : capture.held_out) views.push_back(finder.At(index));
  } else {
    views = finder.FindList(text);
  }
  if (views.empty())
    throw InputError("--views {}: names no view. Use all, train, test or names separated by commas", text);
  return views;
}

}  // namespace semfield
