#include "semfield/capture/readers/phone_scans.h"

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/hash.h"
#include "semfield/capture/capture_files.h"
#include "semfield/capture/readers/json_fields.h"
#include "semfield/capture/readers/listed_views.h"
#include "semfield/capture/view_files.h"
#include "semfield/image/codecs.h"

namespace semfield {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxFileBytes = size_t{256} << 20;
constexpr size_t kMaxFrames = 1'000'000;
constexpr double kRigidTolerance = 5e-3;

bool IsFolder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error) && !error;
}

Pose CheckedPose(Pose pose, const std::string& where) {
  if (!IsRigid(pose, kRigidTolerance)) throw InputError("{}: is no rotation and position", where);
  pose.rotation = NearestRotation(pose.rotation);
  return FlipOpenGlOpenCv(pose);
}

double Focal(const JsonFields& fields, const char* key) {
  return JsonNumber(fields.Need(key), fields.Where(key), 1e-3, 1e7);
}

double Side(const JsonFields& fields, const char* key) {
  return JsonNumber(fields.Need(key), fields.Where(key), 1, 65535);
}

class PolycamReader : public Reader {
 public:
  std::string name() const override { return "polycam"; }
  std::string description() const override {
    return "raw export of Polycam: keyframes/ with a JSON an image";
  }
  bool Sniff(const fs::path& path) const override {
    return IsFolder(Keyframes(path) / "cameras") || IsFolder(Keyframes(path) / "corrected_cameras");
  }

  Capture Read(const fs::path& path, const ReadOptions& options) const override {
    const fs::path keyframes = Keyframes(path), folder = fs::absolute(path).lexically_normal();
    const bool corrected =
        IsFolder(keyframes / "corrected_cameras") && IsFolder(keyframes / "corrected_images");
    const fs::path cameras = keyframes / (corrected ? "corrected_cameras" : "cameras");
    const fs::path images = keyframes / (corrected ? "corrected_images" : "images");
    const CaptureFiles disk(path, folder, options.allow_outside);
    Capture capture;
    capture.format = name();
    std::string hashes;
    const std::vector<fs::path> files = JsonFilesIn(cameras);
    for (const fs::path& file : files) {
      const std::string text = ReadTextFile(disk.Checked(file), kMaxFileBytes);
      hashes += Sha256(std::as_bytes(std::span(text)));
      const Json json = ParseJson(text, file.string());
      View view = ReadFrame(JsonFields(json, file.string() + ": "));
      view.image = disk.FindImage(images, file.stem().string(), file.string());
      if (view.image.empty()) continue;
      view.name = ViewName(folder, view.image);
      const fs::path depth = keyframes / "depth" / (file.stem().string() + ".png");
      if (disk.Has(depth)) view.depth = depth;
      capture.views.push_back(std::move(view));
    }
    capture.hash = Sha256(std::as_bytes(std::span(hashes)));
    FinishListedViews(files.size(), cameras.string(), &capture);
    return capture;
  }

 private:
  static fs::path Keyframes(const fs::path& path) {
    const fs::path absolute = fs::absolute(path).lexically_normal();
    return IsFolder(absolute / "keyframes") ? absolute / "keyframes" : absolute;
  }

  static std::vector<fs::path> JsonFilesIn(const fs::path& folder) {
    std::vector<fs::path> files;
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      if (it->path().extension() == ".json" && IsFile(it->path())) files.push_back(it->path());
      if (files.size() > kMaxFrames)
        throw InputError("{}: holds more than {} frames", folder.string(), kMaxFrames);
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  static View ReadFrame(const JsonFields& fields) {
    View view;
    view.camera.width = static_cast<int>(Side(fields, "width"));
    view.camera.height = static_cast<int>(Side(fields, "height"));
    view.camera.fx = Focal(fields, "fx");
    view.camera.fy = Focal(fields, "fy");
    view.camera.cx = fields.Number("cx", -1e6, 1e6).value_or(0.5 * view.camera.width);
    view.camera.cy = fields.Number("cy", -1e6, 1e6).value_or(0.5 * view.camera.height);
    for (int r = 0; r < 3; ++r) {
      for (int c = 0; c < 4; ++c) {
        const std::string key = fmt::format("t_{}{}", r, c);
        const double value = JsonNumber(fields.Need(key), fields.Where(key), -1e12, 1e12);
        (c < 3 ? view.world_from_camera.rotation(r, c) : view.world_from_camera.translation[r]) = value;
      }
    }
    view.world_from_camera = CheckedPose(view.world_from_camera, fields.Where("t_00 to t_23"));
    return view;
  }
};

class Record3dReader : public Reader {
 public:
  std::string name() const override { return "record3d"; }
  std::string description() const override { return "RGBD export of Record3D: metadata.json and rgb/"; }
  bool Sniff(const fs::path& path) const override {
    try {
      const fs::path file = Folder(path) / "metadata.json";
      if (!IsFile(file)) return false;
      if (!IsFile(path) && LeadsOutside(path, file)) return true;  // refused when it is read
      const std::string text = ReadTextFile(file, kMaxFileBytes);
      return text.find("\"poses\"") != std::string::npos && text.find("\"K\"") != std::string::npos;
    } catch (...) {
      return false;
    }
  }

  Capture Read(const fs::path& path, const ReadOptions& options) const override {
    const fs::path folder = Folder(path), file = folder / "metadata.json";
    const CaptureFiles disk(path, folder, options.allow_outside);
    const Json json = ReadJsonFile(disk.Checked(file), kMaxFileBytes);
    const JsonFields fields(json, file.string() + ": ");
    Capture capture;
    capture.format = name();
    capture.hash = Sha256File(file);
    const Camera shared = ReadCamera(fields);
    const Json& poses = fields.Need("poses");
    if (!poses.is_array() || poses.size() > kMaxFrames) {
      throw InputError("{}: expected a list of poses, got {}", fields.Where("poses"), JsonExcerpt(poses));
    }
    const Json* own = fields.Find("perFrameIntrinsicCoeffs");
    for (size_t i = 0; i < poses.size(); ++i) {
      View view;
      view.camera = shared;
      if (own != nullptr && own->is_array() && i < own->size()) {
        const std::vector<double> c =
            Row((*own)[i], 4, fields.Where(fmt::format("perFrameIntrinsicCoeffs[{}]", i)));
        if (!(c[0] > 0) || !(c[1] > 0)) {
          throw InputError("{}: focal length {}, {}",
                           fields.Where(fmt::format("perFrameIntrinsicCoeffs[{}]", i)), c[0], c[1]);
        }
        view.camera.fx = c[0], view.camera.fy = c[1], view.camera.cx = c[2], view.camera.cy = c[3];
      }
      const std::string where = fields.Where(fmt::format("poses[{}]", i));
      const std::vector<double> p = Row(poses[i], 7, where);
      const Eigen::Quaterniond q(p[3], p[0], p[1], p[2]);
      if (!(q.norm() > 1e-6)) throw InputError("{}: its quaternion is no rotation", where);
      view.world_from_camera = CheckedPose({q.normalized().toRotationMatrix(), {p[4], p[5], p[6]}}, where);
      view.image = disk.FindImage(folder / "rgb", std::to_string(i), where);
      if (view.image.empty()) continue;
      view.name = ViewName(folder, view.image);
      capture.views.push_back(std::move(view));
    }
    FinishListedViews(poses.size(), file.string(), &capture);
    return capture;
  }

 private:
  static fs::path Folder(const fs::path& path) {
    fs::path absolute = fs::absolute(path).lexically_normal();
    if (IsFile(absolute)) absolute = absolute.parent_path();
    return IsFile(absolute / "EXR_RGBD/metadata.json") ? absolute / "EXR_RGBD" : absolute;
  }

  static std::vector<double> Row(const Json& value, size_t count, const std::string& where) {
    if (!value.is_array() || value.size() != count) {
      throw InputError("{}: expected {} numbers, got {}", where, count, JsonExcerpt(value));
    }
    std::vector<double> row;
    for (const Json& entry : value) row.push_back(JsonNumber(entry, where, -1e12, 1e12));
    return row;
  }

  // K is written column by column: fx 0 0, 0 fy 0, cx cy 1.
  static Camera ReadCamera(const JsonFields& fields) {
    Camera camera;
    camera.width = static_cast<int>(Side(fields, "w"));
    camera.height = static_cast<int>(Side(fields, "h"));
    const std::vector<double> k = Row(fields.Need("K"), 9, fields.Where("K"));
    if (!(k[0] > 0) || !(k[4] > 0))
      throw InputError("{}: focal length {}, {}", fields.Where("K"), k[0], k[4]);
    camera.fx = k[0];
    camera.fy = k[4];
    camera.cx = k[6];
    camera.cy = k[7];
    return camera;
  }
};

}  // namespace

std::unique_ptr<Reader> MakePolycamReader() {
  return std::make_unique<PolycamReader>();
}

std::unique_ptr<Reader> MakeRecord3dReader() {
  return std::make_unique<Record3dReader>();
}

}  // namespace semfield
