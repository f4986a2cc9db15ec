#include <map>

#include "semfield/capture/camera_key.h"
#include "semfield/capture/readers/colmap_camera.h"
#include "semfield/capture/writers/colmap_files.h"
#include "semfield/capture/writers/export_files.h"
#include "semfield/capture/writers/writers.h"

namespace semfield {
namespace {

ColmapModel ModelOf(const Capture& capture, const std::vector<std::string>& names) {
  ColmapModel model;
  std::map<decltype(CameraKey(Camera())), uint32_t> ids;
  for (size_t i = 0; i < names.size(); ++i) {
    const View& view = capture.views[i];
    const auto [it, is_new] = ids.emplace(CameraKey(view.camera), static_cast<uint32_t>(ids.size() + 1));
    if (is_new) model.cameras[it->second] = ColmapFromCamera(view.camera, view.name);
    ColmapImage image;
    image.id = static_cast<uint32_t>(i + 1);
    image.name = names[i];
    image.camera_id = it->second;
    double scale = 1;
    image.camera_from_world = OriginalPose(capture, view.world_from_camera, &scale).Inverse();
    model.images.push_back(std::move(image));
  }
  const Mat4& m = capture.capture_from_world;
  for (size_t p = 0; p < capture.points.size(); ++p) {
    const SparsePoint& point = capture.points[p];
    model.points[p + 1] = {m.topLeftCorner<3, 3>() * point.position + m.topRightCorner<3, 1>(), point.color,
                           static_cast<double>(point.error)};
  }
  for (const Observation& seen : capture.observations) {
    model.images[seen.view].keypoints.push_back({seen.x, seen.y, seen.point + uint64_t{1}});
  }
  return model;
}

class ColmapWriter : public Writer {
 public:
  explicit ColmapWriter(bool binary) : binary_(binary) {}
  std::string name() const override { return binary_ ? "colmap" : "colmap-text"; }
  std::string description() const override {
    return binary_ ? "COLMAP sparse model, binary, in sparse/0" : "COLMAP sparse model, text, in sparse/0";
  }

  void Write(const Capture& capture, const std::filesystem::path& out, const JobControl& control,
             std::vector<std::string>* notes) const override {
    const std::vector<std::string> names = ExportNames(capture, false);
    const ColmapModel model = ModelOf(capture, names);
    CopyImagesAndMasks(capture, names, out, control);
    NoteLostLabels(capture, name(), notes);
    WriteColmapModel(model, out / "sparse/0", binary_);
  }

 private:
  bool binary_;
};

}  // namespace

std::unique_ptr<Writer> MakeColmapWriter(bool binary) {
  return std::make_unique<ColmapWriter>(binary);
}

}  // namespace semfield
