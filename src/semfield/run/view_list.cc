#include "semfield/run/view_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/base/text.h"
#include "semfield/capture/readers/json_fields.h"

namespace semfield {
namespace {

constexpr double kLargest = 1e12;
constexpr int kLargestSide = 1 << 28;
// A pose is another one from here on: radians, and share of the distance from the origin.
constexpr double kMoved = 1e-4;
constexpr const char* kLens[] = {"k1", "k2", "k3", "k4", "p1", "p2", "sx1", "sy1"};
constexpr double Camera::*kLensMembers[] = {&Camera::k1, &Camera::k2, &Camera::k3,  &Camera::k4,
                                            &Camera::p1, &Camera::p2, &Camera::sx1, &Camera::sy1};

Json MatrixJson(const Mat4& matrix) {
  Json rows = Json::array();
  for (int row = 0; row < 4; ++row)
    rows.push_back({matrix(row, 0), matrix(row, 1), matrix(row, 2), matrix(row, 3)});
  return rows;
}

Json CornerJson(const Vec3& at) {
  return Json::array({at.x(), at.y(), at.z()});
}

Json CameraJson(const Camera& camera) {
  Json json = {{"model", camera.model == CameraModel::kFisheye ? "fisheye" : "opencv"},
               {"w", camera.width},
               {"h", camera.height},
               {"fx", camera.fx},
               {"fy", camera.fy},
               {"cx", camera.cx},
               {"cy", camera.cy}};
  for (size_t i = 0; i < std::size(kLens); ++i) {
    if (camera.*kLensMembers[i] != 0) json[kLens[i]] = camera.*kLensMembers[i];
  }
  return json;
}

double Needed(const JsonFields& fields, const char* key, double low, double high) {
  return JsonNumber(fields.Need(key), fields.Where(key), low, high);
}

Camera ReadCamera(const JsonFields& fields) {
  Camera camera;
  const std::string model = JsonText(fields.Need("model"), fields.Where("model"));
  if (model != "fisheye" && model != "opencv")
    throw InputError("{}: expected opencv or fisheye, got {}", fields.Where("model"), PrintableText(model));
  camera.model = model == "fisheye" ? CameraModel::kFisheye : CameraModel::kOpenCv;
  camera.width = static_cast<int>(Needed(fields, "w", 1, kLargestSide));
  camera.height = static_cast<int>(Needed(fields, "h", 1, kLargestSide));
  camera.fx = Needed(fields, "fx", 1e-6, kLargest);
  camera.fy = Needed(fields, "fy", 1e-6, kLargest);
  camera.cx = Needed(fields, "cx", -kLargest, kLargest);
  camera.cy = Needed(fields, "cy", -kLargest, kLargest);
  for (size_t i = 0; i < std::size(kLens); ++i)
    camera.*kLensMembers[i] = fields.Number(kLens[i], -kLargest, kLargest).value_or(0);
  return camera;
}

Vec3 ReadCorner(const Json& value, const std::string& where) {
  if (!value.is_array() || value.size() != 3) throw InputError("{}: expected 3 numbers", where);
  Vec3 corner;
  for (int k = 0; k < 3; ++k) corner[k] = JsonNumber(value[k], where, -kLargest, kLargest);
  return corner;
}

// The view's place in the split: "train", "test" or "none".
void ReadView(const JsonFields& fields, Capture* capture) {
  View view;
  view.name = JsonText(fields.Need("name"), fields.Where("name"));
  view.camera = ReadCamera(JsonFields(fields.Need("camera"), fields.Where("camera.")));
  const std::string where = fields.Where("world_from_camera");
  const Mat4 matrix = JsonMatrix(fields.Need("world_from_camera"), where, false);
  view.world_from_camera = {matrix.topLeftCorner<3, 3>(), matrix.topRightCorner<3, 1>()};
  if (!IsRigid(view.world_from_camera))
    throw InputError("{}: not a rotation and a finite translation", where);
  view.near_depth = fields.Number("near_depth", 0, kLargest).value_or(0);
  view.far_depth = fields.Number("far_depth", 0, kLargest).value_or(0);
  view.has_alpha = fields.Flag("has_alpha").value_or(false);
  view.mask_is_alpha = fields.Flag("mask_is_alpha").value_or(false);
  const std::string split = JsonText(fields.Need("split"), fields.Where("split"));
  if (split != "train" && split != "test" && split != "none")
    throw InputError("{}: expected train, test or none", fields.Where("split"));
  const int index = static_cast<int>(capture->views.size());
  if (split == "train") capture->train.push_back(index);
  if (split == "test") capture->held_out.push_back(index);
  capture->views.push_back(std::move(view));
}

bool IsMoved(const View& a, const View& b) {
  const Camera &c = a.camera, &d = b.camera;
  const auto differs = [](double x, double y) {
    return std::abs(x - y) > 1e-6 * std::max({1.0, std::abs(x), std::abs(y)});
  };
  if (c.width != d.width || c.height != d.height || c.model != d.model) return true;
  if (differs(c.fx, d.fx) || differs(c.fy, d.fy) || differs(c.cx, d.cx) || differs(c.cy, d.cy)) return true;
  for (const auto member : kLensMembers) {
    if (differs(c.*member, d.*member)) return true;
  }
  const Pose &p = a.world_from_camera, &q = b.world_from_camera;
  const double size = std::max(1e-12, p.translation.norm());
  return RotationAngle(p.rotation, q.rotation) > kMoved ||
         (p.translation - q.translation).norm() > kMoved * size;
}

}  // namespace

Json ViewListJson(const Capture& capture) {
  const std::set<int> train(capture.train.begin(), capture.train.end()),
      held_out(capture.held_out.begin(), capture.held_out.end());
  Json views = Json::array();
  for (size_t i = 0; i < capture.views.size(); ++i) {
    const View& view = capture.views[i];
    const int index = static_cast<int>(i);
    Json json = {{"name", view.name},
                 {"split", train.count(index) > 0      ? "train"
                           : held_out.count(index) > 0 ? "test"
                                                       : "none"},
                 {"camera", CameraJson(view.camera)},
                 {"world_from_camera", MatrixJson(view.world_from_camera.Matrix())}};
    if (view.far_depth > 0) {
      json["near_depth"] = view.near_depth;
      json["far_depth"] = view.far_depth;
    }
    if (view.has_alpha) json["has_alpha"] = true;
    if (view.mask_is_alpha) json["mask_is_alpha"] = true;
    views.push_back(std::move(json));
  }
  return {{"split_rule", capture.split_rule},
          {"bounds",
           {{"bounded", capture.extent == SceneExtent::kBounded},
            {"min", CornerJson(capture.bounds.min)},
            {"max", CornerJson(capture.bounds.max)},
            {"rule", capture.bounds_rule}}},
          {"capture_from_world", MatrixJson(capture.capture_from_world)},
          {"views", std::move(views)}};
}

Capture CaptureOfViewList(const Json& list, const std::string& where) {
  const JsonFields fields(list, where + ": ");
  Capture capture;
  capture.split_rule = JsonText(fields.Need("split_rule"), fields.Where("split_rule"));
  const JsonFields bounds(fields.Need("bounds"), fields.Where("bounds."));
  capture.extent = bounds.Flag("bounded").value_or(false) ? SceneExtent::kBounded : SceneExtent::kUnbounded;
  capture.bounds = {ReadCorner(bounds.Need("min"), bounds.Where("min")),
                    ReadCorner(bounds.Need("max"), bounds.Where("max"))};
  if ((capture.bounds.Extent().array() <= 0).any())
    throw InputError("{}: min must lie below max", fields.Where("bounds"));
  capture.bounds_rule = JsonText(bounds.Need("rule"), bounds.Where("rule"));
  capture.capture_from_world =
      JsonMatrix(fields.Need("capture_from_world"), fields.Where("capture_from_world"), false);
  const Json& views = fields.Need("views");
  if (!views.is_array() || views.empty()) throw InputError("{}: expected a list", fields.Where("views"));
  std::set<std::string> names;
  for (size_t i = 0; i < views.size(); ++i) {
    const JsonFields view(views[i], fields.Where(fmt::format("views[{}].", i)));
    ReadView(view, &capture);
    if (!names.insert(capture.views.back().name).second)
      throw InputError("{}: occurs twice", view.Where("name"));
  }
  if (capture.train.empty()) throw InputError("{}: none was trained on", fields.Where("views"));
  return capture;
}

ViewListChanges TakeFiles(Capture&& from, Capture* list) {
  ViewListChanges changes;
  std::map<std::string, size_t> by_name;
  for (size_t i = 0; i < list->views.size(); ++i) by_name[list->views[i].name] = i;
  std::vector<int> own_index(from.views.size(), -1);
  std::vector<bool> is_found(list->views.size(), false);
  for (size_t i = 0; i < from.views.size(); ++i) {
    View& view = from.views[i];
    const auto found = by_name.find(view.name);
    if (found == by_name.end()) {
      changes.gained.push_back(view.name);
      continue;
    }
    View& own = list->views[found->second];
    if (IsMoved(own, view)) changes.moved.push_back(view.name);
    own_index[i] = static_cast<int>(found->second);
    is_found[found->second] = true;
    own.image = std::move(view.image);
    own.mask = std::move(view.mask);
    own.mask_is_alpha = own.mask_is_alpha && !own.mask.empty();
    own.mask_inverted = view.mask_inverted;
    own.depth = std::move(view.depth);
    own.semantic = std::move(view.semantic);
    own.instance = std::move(view.instance);
  }
  for (size_t i = 0; i < list->views.size(); ++i) {
    if (!is_found[i]) changes.lost.push_back(list->views[i].name);
  }
  for (const Observation& seen : from.observations) {
    Observation observation = seen;
    if (own_index[seen.view] < 0) continue;
    observation.view = static_cast<uint32_t>(own_index[seen.view]);
    list->observations.push_back(observation);
  }
  list->path = std::move(from.path);
  list->format = std::move(from.format);
  list->hash = std::move(from.hash);
  list->depth_unit = from.depth_unit;
  list->points = std::move(from.points);
  list->class_names = std::move(from.class_names);
  list->class_of_label = std::move(from.class_of_label);
  list->instances = std::move(from.instances);
  list->warnings = std::move(from.warnings);
  return changes;
}

std::string SomeNames(const std::vector<std::string>& names) {
  constexpr size_t kShown = 3;
  std::string text;
  for (size_t i = 0; i < std::min(kShown, names.size()); ++i)
    text += (i == 0 ? "" : ", ") + PrintableText(names[i]);
  return names.size() > kShown ? fmt::format("{}, ... ({})", text, names.size()) : text;
}

}  // namespace semfield
