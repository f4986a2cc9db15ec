#include "semfield/capture/readers/image_folder.h"

#include <algorithm>
#include <cctype>

#include "semfield/base/error.h"
#include "semfield/capture/view_files.h"

namespace semfield {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxImages = 1'000'000;

bool HasImageExtension(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg";
}

}  // namespace

std::vector<std::string> ImageNamesIn(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.empty() || name.front() == '.' || !HasImageExtension(it->path()) || !IsFile(it->path()))
      continue;
    if (names.size() == kMaxImages) {
      throw InputError("{}: holds more than {} images", folder.string(), kMaxImages);
    }
    names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

fs::path FindMaskFile(const CaptureFiles& disk, const fs::path& masks, const fs::path& image_in_root) {
  for (const fs::path& base : {image_in_root, image_in_root.filename()}) {
    fs::path bare = base;
    bare.replace_extension();
    for (const std::string& name : {base.string() + ".png", bare.string() + ".png", bare.string() + ".PNG",
                                    base.string(), bare.string() + ".jpg"}) {
      const fs::path candidate = masks / name;
      if (disk.Has(candidate)) return candidate;
    }
  }
  return {};
}

void AttachSiblingMasks(const CaptureFiles& disk, const fs::path& capture_folder, const fs::path& image_root,
                        Capture* capture) {
  std::error_code error;
  const fs::path masks = capture_folder / "masks";
  if (!fs::is_directory(masks, error) || error) return;
  size_t found = 0;
  std::string without;
  for (View& view : capture->views) {
    const fs::path in_root = view.image.lexically_normal().lexically_relative(image_root.lexically_normal());
    if (view.mask.empty() && !in_root.empty() && *in_root.begin() != "..")
      view.mask = FindMaskFile(disk, masks, in_root);
    if (!view.mask.empty()) {
      ++found;
    } else if (without.empty()) {
      without = view.name;
    }
  }
  if (found < capture->views.size()) {
    capture->warnings.push_back(
        fmt::format("masks/ holds masks for {} of {} views (none for '{}'); views without one are used whole",
                    found, capture->views.size(), without));
  }
}

}  // namespace semfield
