#include "semfield/run/named_view.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "semfield/base/error.h"
#include "semfield/base/json.h"
#include "semfield/capture/view_files.h"

namespace semfield {
namespace {

constexpr size_t kPoseFileBytes = 1 << 20;

std::string SafeName(std::string name) {
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.') c = '_';
  }
  const size_t dot = name.rfind('.');
  return dot == std::string::npos || dot == 0 ? name : name.substr(0, dot);
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
  view.name = SafeName(path.filename().string());
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

NamedView FindNamedView(const Capture& capture, const std::string& text) {
  const std::filesystem::path path(text);
  if (path.extension() == ".json" && IsFile(path)) return ReadPoseFile(path);
  const int index = capture.FindView(text);
  const View& view = capture.views[index];
  return {.name = SafeName(view.name),
          .camera = view.camera,
          .world_from_camera = view.world_from_camera,
          .index = index};
}

std::vector<NamedView> FindNamedViews(const Capture& capture, const std::string& text) {
  std::vector<NamedView> views;
  const auto add = [&](int index) { views.push_back(FindNamedView(capture, capture.views[index].name)); };
  if (text == "all") {
    for (size_t i = 0; i < capture.views.size(); ++i) add(static_cast<int>(i));
  } else if (text == "train" || text == "test") {
    for (int index : text == "train" ? capture.train : capture.held_out) add(index);
  } else {
    size_t begin = 0;
    while (begin <= text.size()) {
      const size_t end = std::min(text.find(',', begin), text.size());
      if (end > begin) views.push_back(FindNamedView(capture, text.substr(begin, end - begin)));
      begin = end + 1;
    }
  }
  if (views.empty())
    throw InputError("--views {}: names no view. Use all, train, test or names separated by commas", text);
  return views;
}

}  // namespace semfield
