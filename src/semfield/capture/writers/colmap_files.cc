#include "semfield/capture/writers/colmap_files.h"

#include <Eigen/Geometry>
#include <unordered_map>
#include <utility>

#include "semfield/base/atomic_file.h"
#include "semfield/base/check.h"
#include "semfield/base/error.h"

namespace semfield {
namespace {

// (image id, index of the keypoint) of every observation of a point.
using Tracks = std::unordered_map<uint64_t, std::vector<std::pair<uint32_t, uint32_t>>>;

Tracks TracksOf(const ColmapModel& model) {
  Tracks tracks;
  for (const ColmapImage& image : model.images) {
    for (size_t k = 0; k < image.keypoints.size(); ++k) {
      tracks[image.keypoints[k].point_id].emplace_back(image.id, static_cast<uint32_t>(k));
    }
  }
  return tracks;
}

Eigen::Quaterniond QuaternionOf(const Pose& pose) {
  Eigen::Quaterniond q(pose.rotation);
  q.normalize();
  if (q.w() < 0) q.coeffs() = -q.coeffs();
  return q;
}

int KindId(const std::string& name) {
  for (const ColmapModelKind& kind : ColmapModelKinds()) {
    if (name == kind.name) return kind.id;
  }
  SF_CHECK(false);
  return -1;
}

class Bytes {
 public:
  template <class T>
  Bytes& Add(T value) {
    text_.append(reinterpret_cast<const char*>(&value), sizeof(T));
    return *this;
  }
  void AddName(const std::string& name) { text_.append(name.c_str(), name.size() + 1); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string BinaryCameras(const ColmapModel& model) {
  Bytes out;
  out.Add<uint64_t>(model.cameras.size());
  for (const auto& [id, camera] : model.cameras) {
    out.Add(id).Add<int32_t>(KindId(camera.model)).Add(camera.width).Add(camera.height);
    for (const double value : camera.parameters) out.Add(value);
  }
  return out.text();
}

std::string BinaryImages(const ColmapModel& model) {
  Bytes out;
  out.Add<uint64_t>(model.images.size());
  for (const ColmapImage& image : model.images) {
    const Eigen::Quaterniond q = QuaternionOf(image.camera_from_world);
    const Vec3& t = image.camera_from_world.translation;
    out.Add(image.id).Add(q.w()).Add(q.x()).Add(q.y()).Add(q.z()).Add(t.x()).Add(t.y()).Add(t.z());
    out.Add(image.camera_id).AddName(image.name);
    out.Add<uint64_t>(image.keypoints.size());
    for (const ColmapKeypoint& keypoint : image.keypoints)
      out.Add(keypoint.x).Add(keypoint.y).Add(keypoint.point_id);
  }
  return out.text();
}

std::string BinaryPoints(const ColmapModel& model) {
  const Tracks tracks = TracksOf(model);
  Bytes out;
  out.Add<uint64_t>(model.points.size());
  for (const auto& [id, point] : model.points) {
    out.Add(id).Add(point.position.x()).Add(point.position.y()).Add(point.position.z());
    for (const uint8_t channel : point.color) out.Add(channel);
    out.Add(point.error);
    const auto track = tracks.find(id);
    out.Add<uint64_t>(track == tracks.end() ? 0 : track->second.size());
    if (track == tracks.end()) continue;
    for (const auto& [image, keypoint] : track->second) out.Add(image).Add(keypoint);
  }
  return out.text();
}

// fmt writes the shortest decimals that read back as the same double.
std::string TextCameras(const ColmapModel& model) {
  std::string out = "# camera id, model, width, height, parameters\n";
  for (const auto& [id, camera] : model.cameras) {
    out += fmt::format("{} {} {} {} {}\n", id, camera.model, camera.width, camera.height,
                       fmt::join(camera.parameters, " "));
  }
  return out;
}

std::string TextImages(const ColmapModel& model) {
  std::string out =
      "# image id, qw qx qy qz, tx ty tz (camera from world), camera id, name; then x, y, point id of its "
      "keypoints\n";
  for (const ColmapImage& image : model.images) {
    const Eigen::Quaterniond q = QuaternionOf(image.camera_from_world);
    const Vec3& t = image.camera_from_world.translation;
    out += fmt::format("{} {} {} {} {} {} {} {} {} {}\n", image.id, q.w(), q.x(), q.y(), q.z(), t.x(), t.y(),
                       t.z(), image.camera_id, image.name);
    for (size_t k = 0; k < image.keypoints.size(); ++k) {
      const ColmapKeypoint& keypoint = image.keypoints[k];
      out += fmt::format("{}{} {} {}", k == 0 ? "" : " ", keypoint.x, keypoint.y, keypoint.point_id);
    }
    out += '\n';
  }
  return out;
}

std::string TextPoints(const ColmapModel& model) {
  const Tracks tracks = TracksOf(model);
  std::string out = "# point id, x y z, r g b, error, then image id and keypoint index of its track\n";
  for (const auto& [id, point] : model.points) {
    out += fmt::format("{} {} {} {} {} {} {} {}", id, point.position.x(), point.position.y(),
                       point.position.z(), point.color[0], point.color[1], point.color[2], point.error);
    if (const auto track = tracks.find(id); track != tracks.end()) {
      for (const auto& [image, keypoint] : track->second) out += fmt::format(" {} {}", image, keypoint);
    }
    out += '\n';
  }
  return out;
}

}  // namespace

void WriteColmapModel(const ColmapModel& model, const std::filesystem::path& folder, bool binary) {
  if (binary) {
    WriteFileAtomically(folder / "cameras.bin", BinaryCameras(model));
    WriteFileAtomically(folder / "images.bin", BinaryImages(model));
    WriteFileAtomically(folder / "points3D.bin", BinaryPoints(model));
  } else {
    WriteFileAtomically(folder / "cameras.txt", TextCameras(model));
    WriteFileAtomically(folder / "images.txt", TextImages(model));
    WriteFileAtomically(folder / "points3D.txt", TextPoints(model));
  }
}

}  // namespace semfield
