#include <cstring>
#include <string_view>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/capture/readers/colmap_model.h"

namespace semfield {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxFileBytes = size_t{8} << 30;
constexpr size_t kMaxName = 4096;
constexpr size_t kKeypointBytes = 24;
constexpr size_t kTrackBytes = 8;

// Little-endian numbers one after another; every read is checked against the end.
class Cursor {
 public:
  explicit Cursor(const fs::path& path) : where_(path.string()), bytes_(ReadFile(path, kMaxFileBytes)) {}

  template <class T>
  T Take() {
    static_assert(std::is_trivially_copyable_v<T>);
    Need(sizeof(T));
    T value;
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }
  // A count of records of at least `smallest` bytes each: more than the file can hold is damage, and found
  // out before anything is allocated.
  uint64_t TakeCount(size_t smallest, const char* what) {
    const uint64_t count = Take<uint64_t>();
    if (count > (bytes_.size() - at_) / smallest) {
      throw InputError(
          "{}: announces {} {} at byte {}, more than its {} bytes can hold; truncated or damaged: copy the "
          "model again",
          where_, count, what, at_ - 8, bytes_.size());
    }
    return count;
  }
  std::string TakeName() {
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + at_, bytes_.size() - at_);
    const size_t end = rest.substr(0, kMaxName + 1).find('\0');
    if (end == std::string_view::npos) {
      throw InputError(
          "{}: the image name at byte {} does not end; truncated or damaged: copy the model again", where_,
          at_);
    }
    at_ += end + 1;
    return std::string(rest.substr(0, end));
  }
  void Skip(size_t bytes) {
    Need(bytes);
    at_ += bytes;
  }
  void ExpectEnd() const {
    if (at_ != bytes_.size()) {
      throw InputError(
          "{}: {} bytes are left over after the last record; damaged, or of an unknown version: copy the "
          "model again",
          where_, bytes_.size() - at_);
    }
  }
  const std::string& where() const { return where_; }

 private:
  void Need(size_t bytes) const {
    if (bytes_.size() - at_ < bytes)
      throw InputError("{}: truncated at byte {}: copy the model again", where_, bytes_.size());
  }

  std::string where_;
  std::vector<std::byte> bytes_;
  size_t at_ = 0;
};

const ColmapModelKind& KindOf(int id, const std::string& where) {
  for (const ColmapModelKind& kind : ColmapModelKinds()) {
    if (kind.id == id) return kind;
  }
  throw InputError(
      "{}: camera model number {} is unknown. Run colmap image_undistorter, which turns every camera into "
      "PINHOLE.",
      where, id);
}

void ReadCameras(const fs::path& path, ColmapModel* model) {
  Cursor in(path);
  const uint64_t count = in.TakeCount(24, "cameras");
  for (uint64_t i = 0; i < count; ++i) {
    const uint32_t id = in.Take<uint32_t>();
    const std::string where = fmt::format("{}: camera {}", in.where(), id);
    const ColmapModelKind& kind = KindOf(in.Take<int32_t>(), where);
    ColmapCamera camera;
    camera.model = kind.name;
    camera.width = in.Take<uint64_t>();
    camera.height = in.Take<uint64_t>();
    for (size_t k = 0; k < kind.num_parameters; ++k) camera.parameters.push_back(in.Take<double>());
    if (!model->cameras.emplace(id, std::move(camera)).second) throw InputError("{}: occurs twice", where);
  }
  in.ExpectEnd();
}

void ReadImages(const fs::path& path, ColmapModel* model) {
  Cursor in(path);
  const uint64_t count = in.TakeCount(73, "images");
  model->images.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    ColmapImage image;
    image.id = in.Take<uint32_t>();
    double q[4], t[3];
    for (double& value : q) value = in.Take<double>();
    for (double& value : t) value = in.Take<double>();
    image.camera_from_world = ColmapPose(q, t, fmt::format("{}: image {}", in.where(), image.id));
    image.camera_id = in.Take<uint32_t>();
    image.name = in.TakeName();
    const uint64_t keypoints = in.TakeCount(kKeypointBytes, "keypoints");
    for (uint64_t k = 0; k < keypoints; ++k) {
      const double x = in.Take<double>(), y = in.Take<double>();
      const uint64_t point = in.Take<uint64_t>();
      if (point != kNoColmapPoint) image.keypoints.push_back({x, y, point});
    }
    model->images.push_back(std::move(image));
  }
  in.ExpectEnd();
}

void ReadPoints(const fs::path& path, ColmapModel* model) {
  Cursor in(path);
  const uint64_t count = in.TakeCount(51, "points");
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t id = in.Take<uint64_t>();
    ColmapPoint point;
    for (int axis = 0; axis < 3; ++axis) point.position[axis] = in.Take<double>();
    for (uint8_t& channel : point.color) channel = in.Take<uint8_t>();
    point.error = in.Take<double>();
    in.Skip(kTrackBytes * in.TakeCount(kTrackBytes, "track elements"));
    if (!model->points.emplace(id, point).second)
      throw InputError("{}: point {} occurs twice", in.where(), id);
  }
  in.ExpectEnd();
}

}  // namespace

void ReadColmapBinary(const fs::path& folder, ColmapModel* model) {
  ReadCameras(folder / "cameras.bin", model);
  ReadImages(folder / "images.bin", model);
  std::error_code error;
  if (fs::is_regular_file(folder / "points3D.bin", error)) ReadPoints(folder / "points3D.bin", model);
}

}  // namespace semfield
