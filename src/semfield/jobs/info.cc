#include "semfield/jobs/info.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numbers>
#include <set>
#include <vector>

#include "semfield/capture/camera_key.h"
#include "semfield/capture/reader.h"

#include <fmt/format.h>

namespace semfield {
namespace {

using CameraUse = InfoResult::CameraUse;

std::vector<CameraUse> CamerasOf(const Capture& capture) {
  std::vector<CameraUse> uses;
  for (const View& view : capture.views) {
    const auto same = [&](const CameraUse& use) { return CameraKey(use.camera) == CameraKey(view.camera); };
    const auto found = std::find_if(uses.begin(), uses.end(), same);
    if (found == uses.end()) {
      uses.push_back({view.camera, 1});
    } else {
      ++found->num_views;
    }
  }
  std::stable_sort(uses.begin(), uses.end(),
                   [](const CameraUse& a, const CameraUse& b) { return a.num_views > b.num_views; });
  return uses;
}

double HorizontalFovDegrees(const Camera& camera) {
  const double half = 0.5 * camera.width / camera.fx;
  const double angle = camera.model == CameraModel::kFisheye ? 2 * half : 2 * std::atan(half);
  return angle * 180 / std::numbers::pi;
}

const char* ModelName(const Camera& camera) {
  if (camera.model == CameraModel::kFisheye) return "fisheye";
  return camera.HasDistortion() ? "pinhole with distortion" : "pinhole";
}

Json CameraJson(const CameraUse& use) {
  const Camera& c = use.camera;
  return {{"views", use.num_views},
          {"model", ModelName(c)},
          {"width", c.width},
          {"height", c.height},
          {"fx", c.fx},
          {"fy", c.fy},
          {"cx", c.cx},
          {"cy", c.cy},
          {"k1", c.k1},
          {"k2", c.k2},
          {"k3", c.k3},
          {"k4", c.k4},
          {"p1", c.p1},
          {"p2", c.p2},
          {"fov_x_degrees", HorizontalFovDegrees(c)}};
}

std::string CameraText(const CameraUse& use) {
  return fmt::format("{}x{} {}, {:.1f} degrees wide, {} view{}", use.camera.width, use.camera.height,
                     ModelName(use.camera), HorizontalFovDegrees(use.camera), use.num_views,
                     use.num_views == 1 ? "" : "s");
}

Json VectorJson(const Vec3& v) {
  return Json::array({v.x(), v.y(), v.z()});
}

std::string VectorText(const Vec3& v) {
  return fmt::format("({:.4g}, {:.4g}, {:.4g})", v.x(), v.y(), v.z());
}

int CountViews(const Capture& capture, std::filesystem::path View::*file) {
  return static_cast<int>(std::count_if(capture.views.begin(), capture.views.end(),
                                        [&](const View& view) { return !(view.*file).empty(); }));
}

// What the capture knows beyond photos and poses, in words.
std::string LabelsText(const Capture& capture) {
  std::vector<std::string> parts;
  const auto add = [&](const char* name, std::filesystem::path View::*file) {
    if (const int count = CountViews(capture, file); count > 0)
      parts.push_back(fmt::format("{} for {}", name, count));
  };
  add("masks", &View::mask);
  add("depth", &View::depth);
  add("classes", &View::semantic);
  add("instances", &View::instance);
  if (capture.HasAlpha()) parts.push_back("alpha");
  return parts.empty() ? "none" : fmt::format("{}", fmt::join(parts, ", "));
}

// Which pixels the masks cut away, whose rule that is, and what training makes of them.
std::vector<std::string> MasksText(const Capture& capture, const MaskDecision& decision) {
  if (!HasMasks(capture)) return {};
  const View& view = *std::find_if(capture.views.begin(), capture.views.end(),
                                   [](const View& v) { return !v.mask.empty(); });
  std::string text = view.mask_inverted
                         ? "white is cut away, black is trained on (instant-ngp's dynamic_mask files)"
                         : "black is cut away, white is trained on";
  if (!view.mask_inverted && view.mask.lexically_normal().string().find("/masks/") != std::string::npos)
    text += "; they come from the folder masks/ beside the images. Rename it to train on whole photos";
  return {"masks      " + text, "           " + MasksInWords(decision)};
}

Json ViewsJson(const Capture& capture) {
  const std::set<int> held_out(capture.held_out.begin(), capture.held_out.end());
  Json views = Json::array();
  for (size_t i = 0; i < capture.views.size(); ++i) {
    const View& view = capture.views[i];
    views.push_back({{"name", view.name},
                     {"width", view.camera.width},
                     {"height", view.camera.height},
                     {"held_out", held_out.count(static_cast<int>(i)) > 0},
                     {"centre", VectorJson(view.world_from_camera.translation)}});
  }
  return views;
}

std::vector<std::string> TextOf(const InfoResult& result) {
  const Capture& capture = result.capture;
  const std::vector<CameraUse>& cameras = result.cameras;
  std::vector<std::string> text;
  text.push_back(fmt::format("format     {}", capture.format));
  text.push_back(fmt::format("views      {} ({} to train on, {} held out: {})", capture.views.size(),
                             capture.train.size(), capture.held_out.size(), capture.split_rule));
  if (!capture.held_out.empty()) {
    const View& view = capture.views[capture.held_out.front()];
    text.push_back(fmt::format("test:0     {}, {} x {} pixels; clicks are in the pixels of the photo itself",
                               view.name, view.camera.width, view.camera.height));
  }
  constexpr size_t kShownCameras = 5;
  for (size_t i = 0; i < std::min(cameras.size(), kShownCameras); ++i) {
    text.push_back((i == 0 ? "cameras    " : "           ") + CameraText(cameras[i]));
  }
  if (cameras.size() > kShownCameras) {
    text.push_back(fmt::format("           and {} more", cameras.size() - kShownCameras));
  }
  text.push_back(fmt::format("bounds     {} to {} ({})", VectorText(capture.bounds.min),
                             VectorText(capture.bounds.max), capture.bounds_rule));
  text.push_back("labels     " + LabelsText(capture));
  for (std::string& line : MasksText(capture, result.masks)) text.push_back(std::move(line));
  if (!capture.points.empty()) {
    text.push_back(fmt::format("points     {} sparse points, seen {} times", capture.points.size(),
                               capture.observations.size()));
  }
  if (!capture.class_names.empty()) {
    text.push_back(
        fmt::format("classes    {}: {}", capture.class_names.size(), fmt::join(capture.class_names, ", ")));
  }
  if (!capture.instances.empty()) text.push_back(fmt::format("instances  {}", capture.instances.size()));
  return text;
}

}  // namespace

void InfoJobOptions::Describe(OptionList& list) {
  list.Text("capture", &capture, "Folder of a capture, its pose file, or a run.");
  list.Group("Reading");
  list.Text("format", &format, "Format of the capture; found by looking if not given.", {.metavar = "NAME"});
  list.Flag("allow-outside", &allow_outside,
            "Also read files outside the capture's folder that it names or links to.");
  list.Flag("list-views", &list_views, "Also list every view.");
}

std::vector<std::string> InfoResult::Text() const {
  if (run) return run->Text();
  std::vector<std::string> text = TextOf(*this);
  if (!list_views) return text;
  for (size_t i = 0; i < capture.views.size(); ++i) {
    const bool held_out =
        std::count(capture.held_out.begin(), capture.held_out.end(), static_cast<int>(i)) > 0;
    text.push_back(fmt::format("view       {}{}", capture.views[i].name, held_out ? "  (held out)" : ""));
  }
  return text;
}

Json InfoResult::ToJson() const {
  if (run) return run->ToJson();
  Json json;
  json["capture"] = capture.path.string();
  json["format"] = capture.format;
  json["hash"] = capture.hash;
  json["cameras"] = Json::array();
  for (const CameraUse& use : cameras) json["cameras"].push_back(CameraJson(use));
  json["split"] = {
      {"train", capture.train.size()}, {"held_out", capture.held_out.size()}, {"rule", capture.split_rule}};
  json["bounds"] = {{"min", VectorJson(capture.bounds.min)},
                    {"max", VectorJson(capture.bounds.max)},
                    {"bounded", capture.extent == SceneExtent::kBounded},
                    {"rule", capture.bounds_rule}};
  json["class_names"] = capture.class_names;
  json["instances"] = Json::array();
  for (const auto& [id, label] : capture.instances) {
    json["instances"].push_back({{"id", id}, {"name", label.name}, {"class", label.class_name}});
  }
  json["masks"] = {{"views", CountViews(capture, &View::mask)},
                   {"inverted", std::count_if(capture.views.begin(), capture.views.end(),
                                              [](const View& v) { return v.mask_inverted; })},
                   {"use", masks.use == MaskUse::kEmpty ? "empty" : "ignore"},
                   {"reason", masks.reason}};
  json["points"] = {{"count", capture.points.size()}, {"observations", capture.observations.size()}};
  json["warnings"] = capture.warnings;
  json["views"] = ViewsJson(capture);
  return json;
}

InfoResult RunInfo(const InfoJobOptions& options, const JobControl& control) {
  if (IsRunFolder(options.capture)) {
    InfoResult state;
    state.run = ReadRunState(options.capture);
    return state;
  }
  InfoResult result{.capture = ReadCapture(options.capture, {.format = options.format,
                                                             .allow_outside = options.allow_outside,
                                                             .warnings = WarningLog::kEach}),
                    .list_views = options.list_views};
  control.ThrowIfStopped();
  result.cameras = CamerasOf(result.capture);
  result.masks = LookAtMasks(result.capture);
  return result;
}

}  // namespace semfield
