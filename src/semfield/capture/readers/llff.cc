#include "semfield/capture/readers/llff.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "semfield/base/error.h"
#include "semfield/base/hash.h"
#include "semfield/capture/readers/image_folder.h"
#include "semfield/capture/readers/npy.h"
#include "semfield/capture/view_files.h"
#include "semfield/image/codecs.h"

namespace semfield {
namespace fs = std::filesystem;
namespace {

constexpr size_t kColumns = 17;
constexpr double kRigidTolerance = 5e-3;
constexpr double kMaxSide = 65535;
constexpr double kMaxFocal = 1e7;
constexpr double kMaxCoordinate = 1e12;

struct ImageFolder {
  std::string name;
  std::vector<std::string> images;
  int width = 0;  // of the first image
};

fs::path PoseFileOf(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error) ? path / "poses_bounds.npy" : path;
}

// Folders called images, images_4, images_1024x768 ..., in byte order.
std::vector<ImageFolder> FindImageFolders(const fs::path& folder) {
  std::vector<ImageFolder> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name != "images" && name.rfind("images_", 0) != 0) continue;
    std::vector<std::string> images = ImageNamesIn(it->path());
    if (!images.empty()) found.push_back({name, std::move(images)});
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return found;
}

ImageFolder ChooseImages(const CaptureFiles& disk, size_t rows, const std::string& where) {
  const fs::path& folder = disk.folder();
  std::vector<ImageFolder> folders = FindImageFolders(folder);
  if (folders.empty()) {
    throw InputError("{}: {} holds no images/, images_2/, images_4/ or images_8/ with JPEG or PNG files",
                     where, folder.string());
  }
  std::string counts;
  ImageFolder* best = nullptr;
  for (ImageFolder& candidate : folders) {
    counts += fmt::format("{}{} images in {}/", counts.empty() ? "" : ", ", candidate.images.size(),
                          candidate.name);
    if (candidate.images.size() != rows) continue;
    candidate.width =
        ReadImageInfo(disk.Checked(folder / candidate.name / candidate.images.front(), where)).width;
    if (best == nullptr || candidate.width > best->width) best = &candidate;
  }
  if (best == nullptr) {
    throw InputError(
        "{}: {} poses but {}. Rows belong to the images in name order, so there must be one image a row: "
        "remove stray images, or those that were not registered.",
        where, rows, counts);
  }
  return std::move(*best);
}

double Checked(const NpyMatrix& matrix, size_t row, size_t col, double low, double high,
               const std::string& where) {
  const double value = matrix.At(row, col);
  if (!std::isfinite(value) || value < low || value > high) {
    throw InputError("{}: row {} column {}: {} is outside [{}, {}]", where, row, col, value, low, high);
  }
  return value;
}

// LLFF's camera axes are down, right, back; ours right, down, forward.
Pose ReadPose(const NpyMatrix& matrix, size_t row, const std::string& where) {
  Eigen::Matrix<double, 3, 4> m;
  for (size_t r = 0; r < 3; ++r) {
    for (size_t c = 0; c < 4; ++c)
      m(r, c) = Checked(matrix, row, 5 * r + c, -kMaxCoordinate, kMaxCoordinate, where);
  }
  Pose pose;
  pose.rotation << m.col(1), m.col(0), -m.col(2);
  pose.translation = m.col(3);
  if (!IsRigid(pose, kRigidTolerance)) {
    throw InputError(
        "{}: row {}: its first three columns are no rotation (expected orthonormal axes down, right, back)",
        where, row);
  }
  pose.rotation = NearestRotation(pose.rotation);
  return pose;
}

Camera ReadCamera(const NpyMatrix& matrix, size_t row, const std::string& where) {
  Camera camera;
  camera.height = static_cast<int>(std::lround(Checked(matrix, row, 4, 1, kMaxSide, where)));
  camera.width = static_cast<int>(std::lround(Checked(matrix, row, 9, 1, kMaxSide, where)));
  camera.fx = camera.fy = Checked(matrix, row, 14, 1e-3, kMaxFocal, where);
  camera.cx = 0.5 * camera.width;
  camera.cy = 0.5 * camera.height;
  return camera;
}

class LlffReader : public Reader {
 public:
  std::string name() const override { return "llff"; }
  std::string description() const override {
    return "poses_bounds.npy of LLFF, forward-facing or around an object, with images/ or images_2, _4, _8";
  }
  bool Sniff(const fs::path& path) const override {
    const fs::path file = PoseFileOf(path);
    // A link that leads outside is taken at its name here and refused when it is read.
    return (file != path && LeadsOutside(path, file)) || IsNpyFile(file);
  }

  Capture Read(const fs::path& path, const ReadOptions& options) const override {
    const fs::path file = PoseFileOf(path);
    const fs::path folder = fs::absolute(file).parent_path();
    const std::string where = file.string();
    const CaptureFiles disk(path, folder, options.allow_outside);
    const NpyMatrix matrix = ReadNpy(disk.Checked(file));
    if (matrix.cols != kColumns) {
      throw InputError("{}: {}x{} numbers, expected {} columns: a 3x5 pose and the near and far depth", where,
                       matrix.rows, matrix.cols, kColumns);
    }
    const ImageFolder images = ChooseImages(disk, matrix.rows, where);
    Capture capture;
    capture.format = name();
    capture.hash = Sha256File(file);
    AddViews(disk, matrix, images, where, &capture);
    AttachSiblingMasks(disk, folder, folder / images.name, &capture);
    std::sort(capture.views.begin(), capture.views.end(),
              [](const View& a, const View& b) { return NaturalLess(a.name, b.name); });
    return capture;
  }

 private:
  static void AddViews(const CaptureFiles& disk, const NpyMatrix& matrix, const ImageFolder& images,
                       const std::string& where, Capture* capture) {
    std::vector<fs::path> files;
    for (const std::string& name : images.images) {
      files.push_back(disk.Checked(disk.folder() / images.name / name, where));
    }
    const std::vector<ImageInfo> infos = ReadImageInfos(files);
    size_t without_range = 0;
    for (size_t row = 0; row < files.size(); ++row) {
      View view;
      view.name = ViewName(disk.folder(), files[row]);
      view.image = files[row];
      view.world_from_camera = ReadPose(matrix, row, where);
      view.camera = FitCameraToImage(ReadCamera(matrix, row, where), infos[row].width, infos[row].height,
                                     files[row].string(), nullptr);
      view.has_alpha = infos[row].channels == 4 || infos[row].channels == 2;
      const double near = matrix.At(row, 15), far = matrix.At(row, 16);
      if (near > 0 && far > near && far <= kMaxCoordinate) {
        view.near_depth = near;
        view.far_depth = far;
      } else {
        ++without_range;
      }
      capture->views.push_back(std::move(view));
    }
    if (without_range > 0) {
      capture->warnings.push_back(
          fmt::format("{} of {} views have near and far depths that are no range and are not used",
                      without_range, files.size()));
    }
  }
};

}  // namespace

std::unique_ptr<Reader> MakeLlffReader() {
  return std::make_unique<LlffReader>();
}

}  // namespace semfield
