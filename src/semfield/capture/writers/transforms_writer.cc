#include <Eigen/LU>
#include <set>

#include "semfield/base/error.h"
#include "semfield/base/json.h"
#include "semfield/capture/camera_key.h"
#include "semfield/capture/image_store.h"
#include "semfield/capture/writers/export_files.h"
#include "semfield/capture/writers/writers.h"
#include "semfield/image/codecs.h"

namespace semfield {
namespace fs = std::filesystem;
namespace {

Json RowsOf(const Mat4& m, int rows) {
  Json json = Json::array();
  for (int r = 0; r < rows; ++r) json.push_back(Json::array({m(r, 0), m(r, 1), m(r, 2), m(r, 3)}));
  return json;
}

void PutCamera(const Camera& c, const std::string& where, Json* json) {
  const bool fisheye = c.model == CameraModel::kFisheye;
  if (fisheye && (c.p1 != 0 || c.p2 != 0 || c.sx1 != 0 || c.sy1 != 0)) {
    throw InputError(
        "{}: transforms.json has no fisheye camera with p1, p2 or a thin prism; write colmap instead", where);
  }
  (*json)["camera_model"] = fisheye ? "OPENCV_FISHEYE" : c.HasDistortion() ? "OPENCV" : "PINHOLE";
  (*json)["w"] = c.width;
  (*json)["h"] = c.height;
  (*json)["fl_x"] = c.fx;
  (*json)["fl_y"] = c.fy;
  (*json)["cx"] = c.cx;
  (*json)["cy"] = c.cy;
  if (!c.HasDistortion()) return;
  (*json)["k1"] = c.k1;
  (*json)["k2"] = c.k2;
  (*json)["k3"] = c.k3;
  (*json)["k4"] = c.k4;
  if (fisheye) return;
  (*json)["p1"] = c.p1;
  (*json)["p2"] = c.p2;
}

Json LabelsJson(const Capture& capture) {
  Json json;
  json["classes"] = capture.class_names;
  json["instances"] = Json::object();
  for (const auto& [id, label] : capture.instances) {
    json["instances"][std::to_string(id)] = {
        {"name", label.name}, {"class", label.class_name}, {"class_id", label.class_id}};
  }
  return json;
}

// Further maps of a view, under a folder of their kind.
void PutMap(const fs::path& from, const char* kind, const std::string& name, const fs::path& out,
            Json* frame) {
  if (from.empty()) return;
  const std::string path = fmt::format("{}/{}.png", kind, name);
  CopyFileTo(from, out / path);
  (*frame)[fmt::format("{}_path", kind)] = path;
}

// Class maps whose values are not the classes themselves are written as classes.
void PutClasses(const Capture& capture, const ImageStore& store, int view, const std::string& name,
                const fs::path& out, Json* frame) {
  if (capture.class_of_label.empty() || capture.views[view].semantic.empty())
    return PutMap(capture.views[view].semantic, "semantic", name, out, frame);
  const std::string path = fmt::format("semantic/{}.png", name);
  WritePng16(out / path, store.Classes(view));
  (*frame)["semantic_path"] = path;
}

void PutSplit(const Capture& capture, const std::vector<std::string>& names, Json* json) {
  if (HasDefaultSplit(capture)) return;
  const std::set<int> train(capture.train.begin(), capture.train.end());
  const std::set<int> held_out(capture.held_out.begin(), capture.held_out.end());
  Json lists[3] = {Json::array(), Json::array(), Json::array()};
  for (int i = 0; i < static_cast<int>(names.size()); ++i) {
    lists[train.count(i) ? 0 : held_out.count(i) ? 1 : 2].push_back("images/" + names[i]);
  }
  (*json)["train_filenames"] = lists[0];
  (*json)["test_filenames"] = lists[1];
  if (!lists[2].empty()) (*json)["val_filenames"] = lists[2];
}

class TransformsWriter : public Writer {
 public:
  std::string name() const override { return "transforms"; }
  std::string description() const override { return "transforms.json as nerfstudio and instant-ngp read it"; }

  void Write(const Capture& capture, const fs::path& out, const JobControl& control,
             std::vector<std::string>* notes) const override {
    const std::vector<std::string> names = ExportNames(capture, false);
    bool one_camera = true;
    for (const View& view : capture.views) {
      Json ignored;
      PutCamera(view.camera, view.name, &ignored);
      one_camera = one_camera && CameraKey(view.camera) == CameraKey(capture.views.front().camera);
    }
    Json json;
    if (one_camera) PutCamera(capture.views.front().camera, "", &json);
    if (!capture.capture_from_world.isIdentity(0)) {
      json["applied_transform"] = RowsOf(capture.capture_from_world.inverse(), 3);
    }
    if (capture.extent == SceneExtent::kBounded) {
      const Vec3 &low = capture.bounds.min, &high = capture.bounds.max;
      json["aabb"] = Json::array(
          {Json::array({low.x(), low.y(), low.z()}), Json::array({high.x(), high.y(), high.z()})});
    }
    CopyImagesAndMasks(capture, names, out, control);
    Json frames = Json::array();
    const ImageStore store(capture);
    bool depth = false;
    for (size_t i = 0; i < names.size(); ++i) {
      control.ThrowIfStopped();
      const View& view = capture.views[i];
      Json frame;
      frame["file_path"] = "images/" + names[i];
      if (!view.mask.empty()) frame["mask_path"] = fmt::format("masks/{}.png", names[i]);
      PutMap(view.depth, "depth", names[i], out, &frame);
      PutClasses(capture, store, static_cast<int>(i), names[i], out, &frame);
      PutMap(view.instance, "instance", names[i], out, &frame);
      depth = depth || !view.depth.empty();
      if (!one_camera) PutCamera(view.camera, view.name, &frame);
      if (view.near_depth > 0) {
        frame["near_depth"] = view.near_depth;
        frame["far_depth"] = view.far_depth;
      }
      frame["transform_matrix"] = RowsOf(FlipOpenGlOpenCv(view.world_from_camera).Matrix(), 4);
      frames.push_back(std::move(frame));
    }
    if (depth) json["depth_unit_m"] = capture.depth_unit;
    PutSplit(capture, names, &json);
    json["frames"] = std::move(frames);
    if (!capture.class_names.empty() || !capture.instances.empty()) {
      WriteJsonFile(out / "labels.json", LabelsJson(capture));
    }
    if (!capture.points.empty()) {
      notes->push_back(
          fmt::format("transforms.json has no place for {} sparse points: left out", capture.points.size()));
    }
    WriteJsonFile(out / "transforms.json", json);
  }
};

}  // namespace

std::unique_ptr<Writer> MakeTransformsWriter() {
  return std::make_unique<TransformsWriter>();
}

}  // namespace semfield
