#include "semfield/capture/readers/shapenet_renders.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/capture/capture_files.h"
#include "semfield/capture/view_files.h"
#include "semfield/image/codecs.h"

namespace semfield {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxObjects = 100'000, kMaxViews = 10'000;
constexpr size_t kMaxTextBytes = 65536;
constexpr double kRigidTolerance = 5e-3;
constexpr uint8_t kWhite = 255;

bool IsObject(const fs::path& folder) {
  std::error_code error;
  return fs::is_directory(folder / "rgb", error) && fs::is_directory(folder / "pose", error) &&
         IsFile(folder / "intrinsics.txt");
}

std::vector<fs::path> FoldersOf(const fs::path& folder) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->is_directory(error)) folders.push_back(it->path());
    if (folders.size() > kMaxObjects)
      throw InputError("{}: holds more than {} folders", folder.string(), kMaxObjects);
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

// Numbers between white space.
std::vector<double> ReadNumbers(const fs::path& file) {
  const std::string text = ReadTextFile(file, kMaxTextBytes);
  std::vector<double> numbers;
  const char* at = text.c_str();
  while (true) {
    char* end = nullptr;
    const double number = std::strtod(at, &end);
    if (end == at) break;
    if (!std::isfinite(number)) throw InputError("{}: holds a number that is not finite", file.string());
    numbers.push_back(number);
    at = end;
  }
  if (std::string_view(at).find_first_not_of(" \t\r\n") != std::string_view::npos)
    throw InputError("{}: expected numbers only, got '{}'", file.string(),
                     std::string_view(at).substr(0, 20));
  return numbers;
}

class RenderedViews final : public ObjectViews {
 public:
  explicit RenderedViews(const fs::path& folder) : disk_(folder, folder, /*allow_outside=*/false) {
    id = folder.filename().string();
    ReadCamera();
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator it(folder / "pose", error), end; !error && it != end; it.increment(error)) {
      if (it->path().extension() == ".txt") names.push_back(it->path().stem().string());
      if (names.size() > kMaxViews)
        throw InputError("{}: holds more than {} poses", (folder / "pose").string(), kMaxViews);
    }
    std::sort(names.begin(), names.end(), &NaturalLess);
    for (const std::string& name : names) ReadView(name);
    if (files_.empty()) throw InputError("{}: no pose has its picture in rgb/", folder.string());
  }

  std::vector<ImageU8> Pictures() const override {
    std::vector<ImageU8> pictures;
    for (const fs::path& file : files_) pictures.push_back(ReadPicture(file));
    return pictures;
  }

 private:
  void ReadCamera() {
    const fs::path file = disk_.Checked(disk_.folder() / "intrinsics.txt");
    const std::vector<double> numbers = ReadNumbers(file);
    if (numbers.size() < 6)
      throw InputError("{}: {} numbers, expected the focal length, the principal point, ... height and width",
                       file.string(), numbers.size());
    const double height = numbers[numbers.size() - 2], width = numbers.back();
    if (!(numbers[0] > 0) || !(width >= 1) || !(height >= 1) || width > 8192 || height > 8192)
      throw InputError("{}: focal length {} and size {} x {} cannot be", file.string(), numbers[0], width,
                       height);
    camera = {.width = static_cast<int>(width),
              .height = static_cast<int>(height),
              .fx = numbers[0],
              .fy = numbers[0],
              .cx = numbers[1],
              .cy = numbers[2]};
  }

  void ReadView(const std::string& name) {
    const fs::path file = disk_.Checked(disk_.folder() / "pose" / (name + ".txt"));
    const fs::path image = disk_.FindImage(disk_.folder() / "rgb", name, file.string());
    if (image.empty()) return;
    const std::vector<double> m = ReadNumbers(file);
    if (m.size() != 16) throw InputError("{}: {} numbers, expected 4 x 4", file.string(), m.size());
    Pose pose;
    for (int r = 0; r < 3; ++r) {
      for (int c = 0; c < 3; ++c) pose.rotation(r, c) = m[4 * r + c];
      pose.translation[r] = m[4 * r + 3];
    }
    if (!IsRigid(pose, kRigidTolerance)) throw InputError("{}: is no rotation and position", file.string());
    pose.rotation = NearestRotation(pose.rotation);
    world_from_camera.push_back(pose);
    files_.push_back(image);
  }

  ImageU8 ReadPicture(const fs::path& file) const {
    ImageU8 image = ReadImage(file);
    if (image.channels < 3 || image.width != camera.width || image.height != camera.height)
      throw InputError("{}: {}x{} pixels of {} channels, expected {}x{} of 3 or 4", file.string(),
                       image.width, image.height, image.channels, camera.width, camera.height);
    ImageU8 rgba(image.width, image.height, 4);
    for (size_t i = 0; i < image.num_pixels(); ++i) {
      const uint8_t* from = &image.data[i * image.channels];
      const bool white = from[0] == kWhite && from[1] == kWhite && from[2] == kWhite;
      const uint8_t alpha = image.channels == 4 ? from[3] : (white ? 0 : 255);
      uint8_t* to = &rgba.data[4 * i];
      if (alpha > 0) std::copy_n(from, 3, to);
      to[3] = alpha;
    }
    return rgba;
  }

  const CaptureFiles disk_;
  std::vector<fs::path> files_;
};

}  // namespace

bool IsShapeNetRenders(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->is_directory(error)) return IsObject(it->path());
  }
  return false;
}

ObjectCategory ReadShapeNetRenders(const fs::path& named) {
  const fs::path folder = fs::absolute(named).lexically_normal();
  ObjectCategory category{.path = folder};
  category.name = (folder.has_filename() ? folder : folder.parent_path()).filename().string();
  for (const std::string_view split : {"_train", "_val", "_test"}) {
    if (category.name.ends_with(split)) category.name.resize(category.name.size() - split.size());
  }
  for (const fs::path& object : FoldersOf(folder)) {
    if (IsObject(object)) category.objects.push_back(std::make_unique<RenderedViews>(object));
  }
  if (category.objects.empty())
    throw InputError("{}: no folder with rgb/, pose/ and intrinsics.txt", folder.string());
  return category;
}

}  // namespace semfield
