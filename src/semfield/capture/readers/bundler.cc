#include "semfield/capture/readers/bundler.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <string_view>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/hash.h"
#include "semfield/base/text.h"
#include "semfield/capture/capture_files.h"
#include "semfield/capture/readers/image_folder.h"
#include "semfield/capture/view_files.h"
#include "semfield/image/codecs.h"

namespace semfield {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxFileBytes = size_t{2} << 30;
constexpr std::string_view kMagic = "# Bundle file v0.3";
constexpr double kRigidTolerance = 5e-3;
constexpr double kMaxCoordinate = 1e12;

bool IsBundle(const fs::path& named, const fs::path& path) {
  if (!IsFile(path)) return false;
  // A link that leads outside is taken at its name here and refused when it is read.
  if (path != named && LeadsOutside(named, path)) return true;
  std::ifstream file(path, std::ios::binary);
  char begin[kMagic.size()] = {};
  return file.read(begin, sizeof begin) && std::string_view(begin, sizeof begin) == kMagic;
}

// Empty when there is none.
fs::path FindBundle(const fs::path& path) {
  for (const fs::path& file : {path, path / "bundle.out", path / "bundle/bundle.out"}) {
    if (IsBundle(path, file)) return fs::absolute(file).lexically_normal();
  }
  return {};
}

// Numbers one after another, whatever the lines.
class Numbers {
 public:
  Numbers(std::string_view text, std::string where)
      : rest_(text), size_(text.size()), where_(std::move(where)) {}

  double Next() {
    const std::string_view word = Word();
    double value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || !std::isfinite(value)) {
      throw InputError("{}: '{}' at byte {} is no finite number", where_,
                       PrintableText(std::string(word.substr(0, 40))), size_ - rest_.size());
    }
    return value;
  }
  // A count of records of at least `smallest` characters each.
  size_t Count(const char* what, size_t smallest) {
    const double value = Next();
    if (value < 0 || value != std::floor(value) || value > static_cast<double>(rest_.size() / smallest)) {
      throw InputError(
          "{}: {} {} at byte {} are more than the file can hold; truncated or damaged: copy it again", where_,
          value, what, size_ - rest_.size());
    }
    return static_cast<size_t>(value);
  }
  Vec3 Vector() {
    Vec3 v;
    for (int k = 0; k < 3; ++k) v[k] = Next();
    if (v.cwiseAbs().maxCoeff() <= kMaxCoordinate) return v;
    throw InputError("{}: the numbers before byte {} are too large", where_, size_ - rest_.size());
  }

 private:
  std::string_view Word() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
    if (rest_.empty()) throw InputError("{}: truncated: copy it again", where_);
    const size_t end = std::min(rest_.find_first_of(" \t\r\n"), rest_.size());
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return word;
  }

  std::string_view rest_;
  size_t size_;
  std::string where_;
};

struct BundleCamera {
  double focal = 0, k1 = 0, k2 = 0;
  Pose world_from_camera;  // OpenCV axes
};

BundleCamera ReadCamera(size_t index, const std::string& where, Numbers* in) {
  BundleCamera camera;
  camera.focal = in->Next();
  camera.k1 = in->Next();
  camera.k2 = in->Next();
  Pose camera_from_world;
  for (int r = 0; r < 3; ++r) camera_from_world.rotation.row(r) = in->Vector().transpose();
  camera_from_world.translation = in->Vector();
  if (camera.focal <= 0) return camera;
  if (!IsRigid(camera_from_world, kRigidTolerance) || camera.focal > 1e7 ||
      std::max(std::abs(camera.k1), std::abs(camera.k2)) > 1e3) {
    throw InputError("{}: camera {}: its rotation, focal length {} or distortion {}, {} is that of no camera",
                     where, index, camera.focal, camera.k1, camera.k2);
  }
  camera_from_world.rotation = NearestRotation(camera_from_world.rotation);
  camera.world_from_camera = FlipOpenGlOpenCv(camera_from_world.Inverse());
  return camera;
}

// The first word of each line of list.txt. Names are relative to it.
std::vector<std::string> ReadList(const fs::path& path) {
  std::vector<std::string> names;
  const std::string text = ReadTextFile(path, kMaxFileBytes);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    const size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos) continue;
    names.push_back(line.substr(first, line.find_first_of(" \t\r", first) - first));
  }
  return names;
}

class BundlerReader : public Reader {
 public:
  std::string name() const override { return "bundler"; }
  std::string description() const override { return "bundle.out of Bundler, with list.txt"; }
  bool Sniff(const fs::path& path) const override {
    try {
      return !FindBundle(path).empty();
    } catch (...) {
      return false;
    }
  }

  Capture Read(const fs::path& path, const ReadOptions& options) const override {
    const fs::path file = FindBundle(path);
    if (file.empty()) throw InputError("{}: holds no bundle.out of version 0.3", path.string());
    fs::path folder = file.parent_path();
    if (!IsFile(folder / "list.txt") && folder.filename() == "bundle") folder = folder.parent_path();
    if (!IsFile(folder / "list.txt")) {
      throw InputError(
          "{}: list.txt, which names the image of each camera, is neither beside it nor beside its bundle/",
          file.string());
    }
    const CaptureFiles disk(path, folder, options.allow_outside);
    const std::string text = ReadTextFile(disk.Checked(file), kMaxFileBytes);
    Numbers in(std::string_view(text).substr(kMagic.size()), file.string());
    Capture capture;
    capture.format = name();
    capture.hash = Sha256File(file);
    const size_t cameras = in.Count("cameras", 30), points = in.Count("points", 14);
    const std::vector<int> view_of = ReadCameras(cameras, disk, file.string(), &in, &capture);
    ReadPoints(points, view_of, &in, &capture);
    AttachSiblingMasks(disk, folder, folder / "images", &capture);
    return capture;
  }

 private:
  // Returns the view of each camera, -1 when it has none.
  static std::vector<int> ReadCameras(size_t count, const CaptureFiles& disk, const std::string& where,
                                      Numbers* in, Capture* capture) {
    const fs::path& folder = disk.folder();
    const std::vector<std::string> names = ReadList(disk.Checked(folder / "list.txt"));
    if (names.size() != count) {
      throw InputError("{}: {} cameras but {} images in list.txt", where, count, names.size());
    }
    const std::string list = (folder / "list.txt").string();
    std::vector<size_t> owner;
    size_t unregistered = 0, missing = 0;
    for (size_t i = 0; i < count; ++i) {
      const BundleCamera camera = ReadCamera(i, where, in);
      View view;
      for (const fs::path& root : {folder, folder / "images"}) {
        if (view.image.empty()) view.image = disk.FindImage(root, names[i], list);
      }
      unregistered += camera.focal <= 0;
      missing += camera.focal > 0 && view.image.empty();
      if (camera.focal <= 0 || view.image.empty()) continue;
      view.name = ViewName(folder, view.image);
      view.world_from_camera = camera.world_from_camera;
      const ImageInfo info = ReadImageInfo(view.image);
      view.camera.width = info.width;
      view.camera.height = info.height;
      view.camera.fx = view.camera.fy = camera.focal;
      view.camera.cx = 0.5 * info.width;
      view.camera.cy = 0.5 * info.height;
      view.camera.k1 = camera.k1;
      view.camera.k2 = camera.k2;
      view.has_alpha = info.channels == 4 || info.channels == 2;
      capture->views.push_back(std::move(view));
      owner.push_back(i);
    }
    if (capture->views.size() < 3) {
      throw InputError("{}: {} of {} cameras are registered and have their image, at least 3 are needed",
                       where, capture->views.size(), count);
    }
    if (unregistered > 0)
      capture->warnings.push_back(fmt::format("{} of {} images were not registered", unregistered, count));
    if (missing > 0)
      capture->warnings.push_back(
          fmt::format("{} of {} listed images are missing and were skipped", missing, count));
    return SortViews(owner, count, capture);
  }

  static std::vector<int> SortViews(const std::vector<size_t>& owner, size_t cameras, Capture* capture) {
    std::vector<size_t> order(owner.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return NaturalLess(capture->views[a].name, capture->views[b].name);
    });
    std::vector<View> views;
    std::vector<int> view_of(cameras, -1);
    for (const size_t i : order) {
      view_of[owner[i]] = static_cast<int>(views.size());
      views.push_back(std::move(capture->views[i]));
    }
    capture->views = std::move(views);
    return view_of;
  }

  // Keypoints are relative to the middle of the image, y up.
  static void ReadPoints(size_t count, const std::vector<int>& view_of, Numbers* in, Capture* capture) {
    for (size_t p = 0; p < count; ++p) {
      SparsePoint point;
      point.position = in->Vector();
      for (uint8_t& channel : point.color) channel = static_cast<uint8_t>(std::clamp(in->Next(), 0.0, 255.0));
      const size_t seen = in->Count("views of a point", 8);
      for (size_t k = 0; k < seen; ++k) {
        const double camera = in->Next();
        in->Next();  // number of the keypoint
        const double x = in->Next(), y = in->Next();
        if (!(camera >= 0) || camera >= static_cast<double>(view_of.size())) continue;
        const int view = view_of[static_cast<size_t>(camera)];
        if (view < 0) continue;
        const Camera& c = capture->views[view].camera;
        capture->observations.push_back({static_cast<uint32_t>(view), static_cast<uint32_t>(p),
                                         static_cast<float>(c.cx + x), static_cast<float>(c.cy - y)});
      }
      capture->points.push_back(point);
    }
  }
};

}  // namespace

std::unique_ptr<Reader> MakeBundlerReader() {
  return std::make_unique<BundlerReader>();
}

}  // namespace semfield
